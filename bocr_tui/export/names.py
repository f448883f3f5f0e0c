"""File names for documents: safe on every file system, never two alike, the same at every export."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

LONGEST_STEM_BYTES = 200
"""A name may have 255 bytes on the usual file systems; this leaves room for a suffix and an extension."""

_FORBIDDEN = frozenset('/\\:*?"<>|')
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)
"""Names that Windows keeps for devices, with any extension."""

_JOINERS = frozenset("\u200c\u200d")
"""Invisible characters without which some Persian and Arabic words are misspelt."""


def safe_stem(name: str) -> str:
    """A document's name without its extension, as a file name that any file system takes.

    Separators, wildcards, control and direction-changing characters become `_`; a leading dot or dash is
    guarded; what is too long is cut between characters.
    """
    stem, dot, extension = name.rpartition(".")
    stem = stem if dot and stem and len(extension) <= 5 and extension.isalnum() else name
    stem = unicodedata.normalize("NFC", stem)
    stem = "".join("_" if _unsafe(character) else character for character in stem)
    stem = _cut(stem.strip(" ").rstrip("."), LONGEST_STEM_BYTES).strip(" ").rstrip(".")
    if not stem:
        return "document"
    if stem[0] in ".-~" or stem.split(".")[0].strip().casefold() in _RESERVED:
        return f"_{stem}"
    return stem


def _unsafe(character: str) -> bool:
    if character in _FORBIDDEN:
        return True
    return character not in _JOINERS and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _cut(text: str, most_bytes: int) -> str:
    return text.encode("utf-8")[:most_bytes].decode("utf-8", "ignore")


class NameBook:
    """Which document has which stem.

    Documents are entered in the order of their ids, so a document keeps its name when later ones are
    imported: the first one of a name gets the name itself, every other one the name and the start of its
    hash. Names that differ only in case or in Unicode form count as the same.
    """

    def __init__(self, documents: Iterable[tuple[int, str, str]]) -> None:
        """`documents`: id, name and sha256 of every document of the catalog, ordered by id."""
        self._stems: dict[int, str] = {}
        taken: set[str] = set()
        for document_id, name, sha256 in documents:
            stem = _free(safe_stem(name), sha256, taken)
            taken.add(_folded(stem))
            self._stems[document_id] = stem

    def stem(self, document_id: int) -> str:
        return self._stems[document_id]


def _free(stem: str, sha256: str, taken: set[str]) -> str:
    if _folded(stem) not in taken:
        return stem
    for length in (8, 16, 64):
        candidate = f"{_cut(stem, LONGEST_STEM_BYTES - length)}~{sha256[:length]}"
        if _folded(candidate) not in taken:
            return candidate
    raise AssertionError(f"two documents have the hash {sha256}")


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFC", stem.casefold())
