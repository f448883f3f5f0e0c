"""How the panel reads the catalog: questions answered in threads, never on the loop that draws.

Each lane is one thread with a connection of its own, so that a list of a million ids does not hold up the
rows of a screen. A question that finds no catalog says so, and the next one tries to open it again.
"""

from __future__ import annotations

import asyncio
import contextlib
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

from bocr_tui.catalog.lists import Reader, open_reader
from bocr_tui.config.errors import CatalogError
from bocr_tui.ui.widgets.row_store import Identified

Answer = TypeVar("Answer")
Row = TypeVar("Row", bound=Identified)


class Lane(StrEnum):
    """Which thread answers."""

    IDS = "ids"
    """Whole lists: up to a second at a million rows."""
    ROWS = "rows"
    """Rows and everything about one thing: milliseconds."""
    WATCH = "watch"
    """Whether anything changed, and how much of what there is."""


class _LaneThread:
    def __init__(self, lane: Lane, path: Path) -> None:
        self._path = path
        self._reader: Reader | None = None
        self._closed = False
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"catalog-{lane}")

    async def ask(self, question: Callable[[Reader], Answer]) -> Answer:
        if self._closed:  # a screen's last question, while the panel goes away
            raise CatalogError("The panel is closing.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, question)

    def _answer(self, question: Callable[[Reader], Answer]) -> Answer:
        if self._reader is None:
            self._reader = open_reader(self._path)
        try:
            return question(self._reader)
        except CatalogError:
            reader, self._reader = self._reader, None
            reader.close()
            raise

    def close(self) -> None:
        self._closed = True
        reader = self._reader
        if reader is not None:
            with contextlib.suppress(Exception):
                reader.interrupt()
            self._threads.submit(reader.close)
        self._threads.shutdown(wait=True)


class Reading:
    """The catalog's lanes. `asked` counts the questions, for tests and the curious."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: Counter[Lane] = Counter()
        self._lanes = {lane: _LaneThread(lane, path) for lane in Lane}

    async def ask(self, lane: Lane, question: Callable[[Reader], Answer]) -> Answer:
        """The answer of `question`, asked in the lane's thread. Raises CatalogError."""
        self.asked[lane] += 1
        return await self._lanes[lane].ask(question)

    def close(self) -> None:
        """End what runs and close the connections."""
        for lane in self._lanes.values():
            lane.close()


class CatalogList(Generic[Row]):
    """One list of the catalog under one filter and order: what a VirtualTable shows."""

    def __init__(
        self,
        reading: Reading,
        ids: Callable[[Reader, int | None], array[int]],
        rows: Callable[[Reader, Sequence[int]], list[Row]],
    ) -> None:
        self._reading = reading
        self._ids = ids
        self._rows = rows

    async def ids(self, limit: int | None) -> array[int]:
        return await self._reading.ask(Lane.IDS, lambda reader: self._ids(reader, limit))

    async def rows(self, ids: Sequence[int]) -> list[Row]:
        return await self._reading.ask(Lane.ROWS, lambda reader: self._rows(reader, ids))
