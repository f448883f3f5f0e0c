"""From a tokenizer's ids to the bytes that each stands for, so that probabilities find their place."""

from __future__ import annotations

import re
from typing import Any

_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_WORD_MARK = "▁"
"""What SentencePiece writes for a blank."""


def _bytes_of_letters() -> dict[str, int]:
    """The letters that byte-level BPE writes bytes as: printable Latin-1 as it is, the others from U+0100
    on in their order (the table of GPT-2, which all byte-level tokenizers share)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    table = {chr(byte): byte for byte in printable}
    others = (byte for byte in range(256) if byte not in printable)
    return {**table, **{chr(0x100 + place): byte for place, byte in enumerate(others)}}


class Spelling:
    """Knows one tokenizer; each token is looked up once."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[int, bytes] = {}
        self._added = {int(number): str(token) for number, token in _added(tokenizer).items()}
        self._letters = _bytes_of_letters() if _is_byte_level(tokenizer) else None

    def spelled(self, ids: list[int]) -> list[bytes]:
        new = [number for number in set(ids) if number not in self._known]
        if new:
            tokens = self._tokenizer.convert_ids_to_tokens(new)
            for number, token in zip(new, tokens):  # noqa: B905 - Python 3.10, and of one length
                self._known[number] = self._spell(number, token)
        return [self._known[number] for number in ids]

    def _spell(self, number: int, token: Any) -> bytes:
        if number in self._added:
            return self._added[number].encode("utf-8", "replace")
        if not isinstance(token, str):  # a slow tokenizer may have bytes, or nothing
            return token if isinstance(token, bytes) else b""
        if self._letters is not None and all(letter in self._letters for letter in token):
            return bytes(self._letters[letter] for letter in token)
        byte = _BYTE_TOKEN.fullmatch(token)
        if byte:
            return bytes([int(byte.group(1), 16)])
        return token.replace(_WORD_MARK, " ").encode("utf-8", "replace")


def _added(tokenizer: Any) -> dict[int, Any]:
    found = getattr(tokenizer, "added_tokens_decoder", None)
    return dict(found) if found else {}


def _is_byte_level(tokenizer: Any) -> bool:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and "ByteLevel" in repr(getattr(backend, "decoder", ""))
