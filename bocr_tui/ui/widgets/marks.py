"""Which rows are marked: a byte for each id, so that a million marks cost a megabyte and a moment."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import compress

DENSE_IDS = 1 << 26
"""Ids up to this have a byte each; larger ones (hashes that stand for names) are few, and kept in a set."""

SPARE_IDS = 4096
"""Bytes added beyond the largest id, so that the next marks find room."""


class Marks:
    """A set of ids. `len` is known without counting."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._large: set[int] = set()
        self._count = 0
        self.version = 0
        """Changes with the marks."""

    def __len__(self) -> int:
        return self._count

    def __contains__(self, each: int) -> bool:
        if each < DENSE_IDS:
            return each < len(self._bytes) and self._bytes[each] == 1
        return each in self._large

    def clear(self) -> None:
        self._bytes, self._large, self._count = bytearray(), set(), 0
        self.version += 1

    def toggle(self, each: int) -> None:
        if each in self:
            self._put(each, 0)
        else:
            self._put(each, 1)

    def add(self, ids: Sequence[int]) -> None:
        """Mark all of these. Of a million ids some tens of milliseconds: in a thread."""
        self._reach(max((each for each in ids if each < DENSE_IDS), default=0))
        filled, large = self._bytes, self._large
        for each in ids:
            if each < DENSE_IDS:
                filled[each] = 1
            else:
                large.add(each)
        self._count = filled.count(1) + len(large)
        self.version += 1

    def _put(self, each: int, value: int) -> None:
        if each < DENSE_IDS:
            self._reach(each)
            self._bytes[each] = value
        elif value:
            self._large.add(each)
        else:
            self._large.discard(each)
        self._count += 1 if value else -1
        self.version += 1

    def _reach(self, largest: int) -> None:
        if largest >= len(self._bytes):
            self._bytes.extend(bytes(largest + SPARE_IDS - len(self._bytes)))

    def among(self, ids: array[int]) -> array[int]:
        """Those of `ids` that are marked, in their order."""
        if not self._count:
            return array("q")
        if self._large or (ids and max(ids) >= len(self._bytes)):
            return array("q", (each for each in ids if each in self))
        return array("q", compress(ids, map(self._bytes.__getitem__, ids)))


def states_of(rows: Iterable[object]) -> frozenset[str]:
    """The states that rows are in."""
    return frozenset(str(getattr(row, "state", "")) for row in rows) - {""}
