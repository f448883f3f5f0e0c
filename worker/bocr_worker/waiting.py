"""Pages that are drawn and wait for an engine: a line that is bounded in pages and in bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Waiting(Generic[Item]):
    """First in, first out. `most` is asked anew each time, since how many pages an engine takes may change:
    say `changed` when it has. Used from one asyncio loop."""

    def __init__(self, most: Callable[[], int], most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._line: deque[tuple[Item, int]] = deque()
        self.bytes = 0
        self._filled = asyncio.Event()
        self._freed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._line)

    async def put(self, item: Item, size_bytes: int) -> None:
        """Waits while the line is full; one item always fits, however large it is."""
        while self._line and (len(self._line) >= self._most() or self.bytes + size_bytes > self._most_bytes):
            self._freed.clear()
            await self._freed.wait()
        self._line.append((item, size_bytes))
        self.bytes += size_bytes
        self._filled.set()

    async def get(self) -> Item:
        """Waits while there is none."""
        while not self._line:
            self._filled.clear()
            await self._filled.wait()
        item, size_bytes = self._line.popleft()
        self.bytes -= size_bytes
        self._freed.set()
        return item

    def changed(self) -> None:
        """More may fit than before."""
        self._freed.set()
