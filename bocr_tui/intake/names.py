"""File names as a person may see them: a name is bytes, and anybody can put anything into it."""

from __future__ import annotations

import unicodedata

_HARMLESS_FORMATS = frozenset("\u200c\u200d\u200e\u200f\u061c")
"""Joiners and marks that Arabic and Persian names contain for good reason; they reorder nothing else."""

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that move the cursor, break the line, turn the direction or cannot be seen."""


def display_name(name: bytes) -> str:
    """The name for screens, tables and logs: one line, in the order it was written.

    Bytes that are no UTF-8, control characters, line separators and bidirectional overrides are shown as
    escapes (`\\xe9`, `\\n`, `\\u202e`). Never used to open the file.
    """
    text = unicodedata.normalize("NFC", name.decode("utf-8", "backslashreplace"))
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in _HARMLESS_FORMATS or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
