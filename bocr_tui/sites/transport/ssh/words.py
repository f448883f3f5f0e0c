"""What comes from a host, made fit to be shown."""

from __future__ import annotations

import unicodedata

TOLD_CHARS = 400
"""Of what a host says, in a sentence for a person."""

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode's categories of characters that act on a screen instead of standing on it."""


def plain_words(said: bytes | str, limit: int = TOLD_CHARS) -> str:
    """One line of printable characters, cut at `limit`."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    shown = "".join(
        " " if unicodedata.category(letter) in _UNSEEN else letter for letter in text[: limit * 4]
    )
    line = " ".join(shown.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def plain_lines(said: str, limit: int = 2000) -> str:
    """Printable characters and line ends, cut at `limit`: for what a host asks a person."""
    lines = (plain_words(line, limit) for line in said[:limit].splitlines())
    return "\n".join(lines).strip()
