"""The rows of a list that are in memory: a few pages of 256, the least recently used given up first."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

CHUNK_ROWS = 256
"""Rows read at once: several screens, and still under a millisecond of SQL."""

CHUNKS_KEPT = 12
"""About three thousand rows: enough to page back and forth without reading again."""


class Identified(Protocol):
    """A row of the catalog."""

    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=Identified)


class RowStore(Generic[Row]):
    """Ids in order, and the rows known of them.

    After a refresh the rows known before stand in until they are read again, so that nothing flickers.
    """

    def __init__(self) -> None:
        self.ids: array[int] = array("q")
        self._chunks: OrderedDict[int, dict[int, Row]] = OrderedDict()
        self._before: dict[int, Row] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def replace_ids(self, ids: array[int], *, keep: bool) -> None:
        """Take another list of ids; with `keep` the rows known so far stand in until read anew."""
        before: dict[int, Row] = {}
        if keep:
            before.update(self._before if not self._chunks else {})
            for chunk in self._chunks.values():
                before.update(chunk)
        self.ids, self._before = ids, before
        self._chunks.clear()

    def row(self, index: int) -> Row | None:
        """The row at `index`, None while it is not read."""
        wanted = self.ids[index]
        number = index // CHUNK_ROWS
        chunk = self._chunks.get(number)
        if chunk is None:
            return self._before.get(wanted)
        self._chunks.move_to_end(number)
        return chunk.get(wanted)

    def known(self, wanted: int) -> Row | None:
        """The row of an id, if it is in memory."""
        for chunk in reversed(self._chunks.values()):
            if wanted in chunk:
                return chunk[wanted]
        return self._before.get(wanted)

    def missing(self, first: int, last: int) -> list[int]:
        """The chunks that rows `first` to `last` (inclusive) need and that are not read yet."""
        if not self.ids:
            return []
        last = min(last, len(self.ids) - 1)
        return [
            n for n in range(max(0, first) // CHUNK_ROWS, last // CHUNK_ROWS + 1) if n not in self._chunks
        ]

    def ids_of(self, chunk: int) -> Sequence[int]:
        return self.ids[chunk * CHUNK_ROWS : (chunk + 1) * CHUNK_ROWS]

    def put(self, chunk: int, ids: array[int], rows: Iterable[Row]) -> None:
        """Keep rows read for `chunk` of the list `ids`; of another list than the present one: ignored."""
        if ids is not self.ids:
            return
        self._chunks[chunk] = {row.id: row for row in rows}
        self._chunks.move_to_end(chunk)
        while len(self._chunks) > CHUNKS_KEPT:
            self._chunks.popitem(last=False)

    def index_of(self, wanted: int, near: int) -> int | None:
        """Where an id is now; looked for where it was first, because lists mostly stay as they are."""
        low = max(0, near - CHUNK_ROWS)
        around = self.ids[low : near + CHUNK_ROWS]
        try:
            return low + around.index(wanted)
        except ValueError:
            pass
        try:
            return self.ids.index(wanted)
        except ValueError:
            return None
