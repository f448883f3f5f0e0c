"""One server and the questions to it: brought up, watched, brought up again, or given up."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.vision.base import Question
from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.answers import Completion
from bocr_worker.runtimes.openai.client import ChatClient, Served
from bocr_worker.runtimes.openai.gate import Gate
from bocr_worker.runtimes.openai.metrics import Load
from bocr_worker.runtimes.openai.options import OpenAiOptions
from bocr_worker.runtimes.openai.servers import Server
from bocr_worker.runtimes.openai.sounding import Sounding
from bocr_worker.runtimes.openai.troubles import Broken, Faulty, Overloaded, Unreachable
from bocr_worker.runtimes.openai.vigil import Vigil

_HEALTH_WITHIN_S = 10.0
_DEATH_SHOWS_WITHIN_S = 2.0
"""A connection to a server of ours that breaks mostly means that it died. Its guard says so within
milliseconds, or a little later where the machine is busy."""

_ENDS_WITHIN_S = 30.0
"""A server without an engine (vLLM looks every five seconds)."""

_SEARCH_S = 0.25
"""Between two looks while it is not known yet how many questions the server takes."""

_TAKEN = 2000
"""So many answers are remembered: those of several minutes."""

_FIRST_STARTS = 2
"""A server that never was up is started so often: another may have taken its port in between."""


class LaneDown(Exception):
    """The server went while it had the question."""


class Lane:
    """`gate` says how many may be inside; `is_up` whether any; `broken` why never again."""

    def __init__(
        self, server: Server, gate: Gate, options: OpenAiOptions, changed: Callable[[], None]
    ) -> None:
        self.server = server
        self.gate = gate
        self.served: Served | None = None
        self.version = ""
        self.broken: RuntimeBroken | EngineUnavailable | None = None
        self.answers = 0
        self.taken: deque[float] = deque(maxlen=_TAKEN)
        """When the questions were put that got the latest answers."""
        self.life = 0
        """Counts the times that the server came up."""
        self.restarts = 0
        self.suspects = 0
        """1 while the question inside is one that was inside when a server died, twice; it is alone then."""
        self.failing = 0
        """Questions whose last try went wrong and that are neither answered nor given up."""
        self.load: Load | None = None
        """What the server said last of itself, while it is up."""
        self._lost_s = 0.0
        self._lost_since: float | None = None
        self._options = options
        self._changed = changed
        self._client: ChatClient | None = None
        self._down: asyncio.Future[None] | None = None
        self._paused_until = 0.0
        self._trouble_since: float | None = None
        self._fruitless = 0
        self._doubts = 0
        self._sounding = Sounding(self._took)

    @property
    def is_up(self) -> bool:
        return self._client is not None

    @property
    def lost_s(self) -> float:
        """Time without a server since it first was up; of one that was given up, up to then."""
        since = self._lost_since
        return self._lost_s + (0.0 if since is None else time.monotonic() - since)

    @property
    def has_room(self) -> bool:
        """Whether the server could take one more question now, whoever is inside."""
        return (
            self.is_up and not self._doubts and self.gate.has_room and time.monotonic() >= self._paused_until
        )

    # -- a question ------------------------------------------------------------------------------------

    async def put(self, body: bytes, deadline_s: float) -> Completion:
        """Raises the troubles, and LaneDown."""
        client, down = self._client, self._down
        if client is None or down is None:
            raise LaneDown
        asking = asyncio.ensure_future(
            client.stream(body, deadline_s) if self._options.stream else client.complete(body, deadline_s)
        )
        try:
            either: set[asyncio.Future[Any]] = {asking, down}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise LaneDown
            return asking.result()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    def answered(self, asked_at: float, question: Question) -> None:
        """The question that was put then."""
        assert self.served is not None
        self._sounding.keep(question, self.served.name)
        self.gate.answered()
        self._took(asked_at)

    def _took(self, asked_at: float) -> None:
        self.answers += 1
        self.taken.append(asked_at)
        self._fruitless = 0
        self._trouble_since = None

    def failed(self) -> None:
        if self._trouble_since is None:
            self._trouble_since = time.monotonic()

    def fails_no_more(self) -> None:
        """One of those that failed was answered or given up."""
        self.failing -= 1
        if not self.failing:
            self._trouble_since = None

    def pause(self, seconds: float) -> None:
        """Let nobody in for so long: the server asked for it."""
        until = time.monotonic() + seconds
        if until > self._paused_until:
            self._paused_until = until
            asyncio.get_running_loop().call_later(seconds + 0.001, self._changed)

    async def has_died(self, life: int, trouble: Faulty) -> bool:
        """Whether that is what lies behind an error. Until it is known nobody is let in: a page must not
        count among those that a dead server had. An engine that died says so by its health at once, and the
        server around it ends some seconds later."""
        if not self.server.is_ours or isinstance(trouble, (Overloaded, Unreachable)):
            return False
        client = self._client
        self._doubts += 1
        try:
            if isinstance(trouble, Broken) and await self.goes_down_within(life, _DEATH_SHOWS_WITHIN_S):
                return True
            if client is None or self.life != life:
                return True
            if await client.is_healthy(_HEALTH_WITHIN_S):
                return False
            return await self.goes_down_within(life, _ENDS_WITHIN_S)
        finally:
            self._doubts -= 1
            self._changed()

    async def goes_down_within(self, life: int, seconds: float) -> bool:
        """Wait that long, or until the server is known to be gone since that life of it."""
        down = self._down
        if down is None or self.life != life:
            return True
        await asyncio.wait({down}, timeout=seconds)
        return down.done()

    # -- the server ------------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Until it is cancelled or the server is given up. Leaves no process behind."""
        was_up, starts = False, 0
        try:
            while True:
                starts += 1
                try:
                    await self._bring_up()
                    was_up = True
                    cause = await self._watch()
                except EngineUnavailable as error:
                    self.broken = error
                    return
                except (RuntimeBroken, OSError) as error:
                    cause = str(error)
                self._go_down()
                await self._sounding.stop()
                await self.server.close()
                if self._is_spent(was_up, starts):
                    self.broken = RuntimeBroken(self._last_cause(cause))
                    return
                self.restarts += was_up
                self._fruitless += 1
                _say(f"{self.server.name}: {cause}")
                await asyncio.sleep(self._options.backoff_s)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave questions waiting for ever
            traceback.print_exc()
            self.broken = RuntimeBroken(f"a fault in the runtime: {type(error).__name__}: {error}")
        finally:
            self._go_down()
            self._found()
            await self._sounding.stop()
            await self.server.close()
            self._changed()

    def _is_spent(self, was_up: bool, starts: int) -> bool:
        if not was_up:
            return not self.server.is_ours or starts >= _FIRST_STARTS
        spent = self.restarts if self.server.is_ours else self._fruitless
        return spent >= self._options.restarts

    def _last_cause(self, cause: str) -> str:
        again = f", after {self.restarts} restarts" if self.restarts else ""
        return f"{self.server.name}{again}: {cause}"

    async def _bring_up(self) -> None:
        client, self.served = await self.server.open()
        self.version = await client.version()
        self._down = asyncio.get_running_loop().create_future()
        self.life += 1
        self._trouble_since = None
        self._found()
        self._client = client
        self._changed()

    def _found(self) -> None:
        """Whatever is lost from now on is another loss."""
        self._lost_s, self._lost_since = self.lost_s, None

    def _go_down(self) -> None:
        if self._client is not None:
            self._lost_since = time.monotonic()
        self._client = self.load = None
        down, self._down = self._down, None
        if down is not None and not down.done():
            down.set_result(None)

    async def _watch(self) -> str:
        """Until the server is of no more use; why, in words."""
        assert self._client is not None
        vigil = Vigil(self._options.stall_s)
        ended = self.server.ended or asyncio.get_running_loop().create_future()
        while True:
            looking = asyncio.ensure_future(self._look(self._client))
            try:
                either: set[asyncio.Future[Any]] = {looking, ended}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    return f"the server ended ({ended.result()}).{self.server.last_words()}"
                load, healthy = looking.result()
            finally:
                looking.cancel()
            self.load = load
            if load is not None:
                self.gate.look(load)
                self._changed()
            if cause := vigil.objection(load, healthy, self.answers, self.gate.inside) or self._outage():
                return cause
            self._sounding.look(self._client, self.failing, self.answers)
            pause_s = self._options.watch_s
            if self.gate.is_searching:
                pause_s = min(pause_s, _SEARCH_S)
            await asyncio.wait({ended}, timeout=pause_s)

    async def _look(self, client: ChatClient) -> tuple[Load | None, bool]:
        load = await client.load(_HEALTH_WITHIN_S)
        return load, await client.is_healthy(_HEALTH_WITHIN_S)

    def _outage(self) -> str:
        since = self._trouble_since
        if since is None or time.monotonic() - since < self._options.outage_s:
            return ""
        return f"nothing but errors for {self._options.outage_s:g} s (outage_s) from {self.failing} questions"


def _say(words: str) -> None:
    """For the job's log."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201
