"""All lanes of a runtime: which one takes the next question, and who waits for one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.lane import Lane


class Pool:
    """The least busy lane first; in line, first come first served."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self._line: deque[tuple[bool, asyncio.Future[Lane]]] = deque()
        self._closed = False

    @asynccontextmanager
    async def lane(self, suspect: bool) -> AsyncIterator[Lane]:
        """A place with a server. A suspect may be what killed one: no two are inside together. Raises
        RuntimeBroken when no server will come up any more."""
        lane = await self._take(suspect)
        try:
            yield lane
        finally:
            lane.gate.leave()
            lane.suspects -= suspect
            self.changed()

    async def _take(self, suspect: bool) -> Lane:
        turn: asyncio.Future[Lane] = asyncio.get_running_loop().create_future()
        self._line.append((suspect, turn))
        self.changed()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                turn.result().gate.leave()
                turn.result().suspects -= suspect
                self.changed()
            raise

    def changed(self) -> None:
        """Something may have become free, or hopeless: look who can go in."""
        gone = self.end()
        held: list[tuple[bool, asyncio.Future[Lane]]] = []
        while self._line:
            suspect, turn = self._line.popleft()
            if turn.done():
                continue
            if gone is not None:
                turn.set_exception(gone)
                continue
            lane = self._free_lane(suspect)
            if lane is not None:
                lane.gate.enter()
                lane.suspects += suspect
                turn.set_result(lane)
            else:
                held.append((suspect, turn))
                if not suspect:
                    break
        self._line.extendleft(reversed(held))

    def _free_lane(self, suspect: bool) -> Lane | None:
        free = [lane for lane in self.lanes if lane.has_room(suspect)]
        return min(free, key=lambda lane: lane.gate.inside / lane.gate.limit, default=None)

    def end(self) -> Exception | None:
        """Why nobody will be let in any more; None while there is hope."""
        if self._closed:
            return RuntimeBroken("the model's servers are not running")
        if not self.lanes or any(lane.broken is None for lane in self.lanes):
            return None
        return self.lanes[0].broken

    def close(self) -> None:
        """Send everybody in line away."""
        self._closed = True
        self.changed()
