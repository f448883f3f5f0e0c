"""Continuous batching as its clients see it: slots, a line, and how well both were used."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import NamedTuple


class Moment(NamedTuple):
    """From this time on so many were served and so many waited."""

    at: float
    running: int
    waiting: int


class Slots:
    """First come, first served; `moments` is the history, one entry a change."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.running = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self.moments: list[Moment] = []
        self.last_begun_at = 0.0

    @property
    def waiting(self) -> int:
        return len(self._line)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        await self._take()
        try:
            yield
        finally:
            self._give()

    async def _take(self) -> None:
        if self.running < self.count and not self._line:
            self._begin()
            self._note()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        self._note()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give()  # it was our turn just now
            else:
                self._line.remove(turn)
                self._note()
            raise

    def _give(self) -> None:
        self.running -= 1
        while self._line and self.running < self.count:
            turn = self._line.popleft()
            if not turn.done():
                self._begin()
                turn.set_result(None)
        self._note()

    def _begin(self) -> None:
        self.running += 1
        self.last_begun_at = time.monotonic()

    def _note(self) -> None:
        self.moments.append(Moment(time.monotonic(), self.running, len(self._line)))

    def occupancy(self) -> dict[str, float]:
        """How much of the slots' capacity was held.

        `share` counts from the first request to the last time that a request began: afterwards there is
        nothing left to hold a slot with, which is the tail. `busy_slot_s` is everything.
        """
        if not self.moments:
            return {"share": 0.0, "busy_slot_s": 0.0, "fed_s": 0.0, "peak_running": 0, "peak_waiting": 0}
        first, last = self.moments[0].at, self.last_begun_at
        busy = fed = 0.0
        for now, after in pairwise([*self.moments, Moment(time.monotonic(), 0, 0)]):
            busy += now.running * (after.at - now.at)
            fed += now.running * max(0.0, min(after.at, last) - now.at)
        whole = self.count * (last - first)
        return {
            "share": fed / whole if whole > 0 else 0.0,
            "busy_slot_s": busy,
            "fed_s": last - first,
            "peak_running": max(moment.running for moment in self.moments),
            "peak_waiting": max(moment.waiting for moment in self.moments),
        }
