"""All lanes of a runtime: which one takes the next question, and who waits for one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.lane import Lane


class Pool:
    """The least busy lane first; in line, first come first served. A suspect may be what killed a server: it
    is inside alone, so that what the server does then is its own doing."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self._line: deque[asyncio.Future[Lane]] = deque()
        self._suspects: deque[asyncio.Future[Lane]] = deque()
        self._emptied: Lane | None = None
        """Takes nobody while a suspect waits for those inside to leave."""
        self._closed = False

    @asynccontextmanager
    async def lane(self, suspect: bool) -> AsyncIterator[Lane]:
        """A place with a server; for a suspect, the whole server. Raises RuntimeBroken when no server will
        come up any more."""
        lane = await self._take(suspect)
        try:
            yield lane
        finally:
            self._leave(lane, suspect)

    async def _take(self, suspect: bool) -> Lane:
        turn: asyncio.Future[Lane] = asyncio.get_running_loop().create_future()
        (self._suspects if suspect else self._line).append(turn)
        self.changed()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave(turn.result(), suspect)
            else:
                self.changed()
            raise

    def _leave(self, lane: Lane, suspect: bool) -> None:
        lane.gate.leave()
        lane.suspects -= suspect
        self.changed()

    def changed(self) -> None:
        """Something may have become free, or hopeless: look who can go in. Suspects first: they are few, and
        a server that is empty need not be emptied for the next one again."""
        gone = self.end()
        if gone is not None:
            self._send_away(gone)
            return
        self._let_in(self._suspects, suspect=True)
        self._emptied = self._to_empty()
        self._let_in(self._line, suspect=False)

    def _let_in(self, line: deque[asyncio.Future[Lane]], suspect: bool) -> None:
        """Afterwards the line is empty, or who is first in it waits."""
        while line:
            if line[0].done():
                line.popleft()
                continue
            lane = self._free_lane(suspect)
            if lane is None:
                return
            lane.gate.enter()
            lane.suspects += suspect
            line.popleft().set_result(lane)

    def _free_lane(self, suspect: bool) -> Lane | None:
        free = [lane for lane in self.lanes if lane.has_room and not lane.suspects]
        if suspect:
            return next((lane for lane in free if not lane.gate.inside), None)
        open_to_all = (lane for lane in free if lane is not self._emptied)
        return min(open_to_all, key=lambda lane: lane.gate.inside / lane.gate.limit, default=None)

    def _to_empty(self) -> Lane | None:
        """One lane at most is kept from the others, and none while a suspect has one: the next suspect takes
        that."""
        if not self._suspects or any(lane.suspects for lane in self.lanes):
            return None
        up = [lane for lane in self.lanes if lane.is_up]
        if self._emptied in up:
            return self._emptied
        return min(up, key=lambda lane: lane.gate.inside, default=None)

    def _send_away(self, cause: Exception) -> None:
        for line in (self._line, self._suspects):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_exception(cause)

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
