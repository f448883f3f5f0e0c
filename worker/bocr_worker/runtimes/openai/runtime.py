"""Engines that are models behind servers of the OpenAI kind: one server for each GPU, pages spread over them.

What a server does wrong is not a page's fault: it is asked again, here or elsewhere, until the server is
known to be gone for good. A page is to blame when others are answered meanwhile and it is not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bocr_worker.engines.base import Ask, EngineSpec, EngineUnavailable
from bocr_worker.engines.vision.base import VisionEngine, option_names, question_for
from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.engines.vision.versions import Version, parse_version, show_version
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import AskFailed, EngineIdentity, RuntimeBroken
from bocr_worker.runtimes.openai.assembly import assemble
from bocr_worker.runtimes.openai.lane import Lane, LaneDown
from bocr_worker.runtimes.openai.launch import server_version
from bocr_worker.runtimes.openai.options import SERVER_OPTIONS, OpenAiOptions, parse_options
from bocr_worker.runtimes.openai.patience import DEATHS, FEW, Patience
from bocr_worker.runtimes.openai.pool import Pool
from bocr_worker.runtimes.openai.reading import body_of, recognition_of
from bocr_worker.runtimes.openai.troubles import (
    Faulty,
    Overloaded,
    Refused,
    ShutOut,
    TooLate,
    TooLong,
)

_FORGETTING = 0.95
"""How much of the worst luck with a busy server counts still, one answer later."""

_REFUSALS = 8
"""Questions refused before any was answered: then it is what we ask that the server does not know, not what
is on the pages."""


class OpenAiRuntime:
    """Fulfils runtimes/base.Runtime. `lanes` may be looked at; `facts` is for the journal."""

    def __init__(self, spec: EngineSpec, order: EngineOrder, run_folder: Path) -> None:
        """Raises RuntimeBroken for options that cannot be meant."""
        if spec.vision is None:
            raise RuntimeBroken(f"engine {spec.name} is no vision-language model: no server can run it")
        self.spec = spec
        self._engine: VisionEngine = spec.vision
        self._run_folder = run_folder
        names = option_names(self._engine)
        try:
            self._options = parse_options(order.options, names)
        except OptionError as error:
            raise RuntimeBroken(f"engine {spec.name}: {error}") from None
        self._reading = {name: order.options[name] for name in names if name in order.options}
        self._pool = Pool()
        self._keeping: list[asyncio.Task[None]] = []
        self._moved = asyncio.Event()
        self._version: Version | None = None
        self._start_s = 0.0
        self._answered = self._refused = 0
        self._unluckiest = 0.0
        self._begun = False
        self._resting = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return tuple(self._pool.lanes)

    @property
    def slots(self) -> int:
        """What the servers that are up may have inside now, and besides those that wait to be asked anew: a
        few pages that a server takes amiss must not keep all others from it. Not more than it may ever have
        inside, since each holds its image."""
        limit = self._in_flight_limit
        return max(1, limit + min(self.most_slots, self._resting)) if limit else 1

    @property
    def most_slots(self) -> int:
        return max(1, sum(lane.gate.most for lane in self._pool.lanes))

    @property
    def _in_flight_limit(self) -> int:
        return sum(lane.gate.limit for lane in self._pool.lanes if lane.is_up)

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    @property
    def facts(self) -> dict[str, float]:
        """For the heartbeats: what the servers that are up have running and in line by their own word, how
        many questions they may have now, what starting took, what was lost to restarts, and for how long a
        server of the job had no question inside (the mean over all, since they were first started)."""
        lanes = self._pool.lanes
        loads = [lane.load for lane in lanes if lane.load is not None]
        return {
            **({"running": sum(load.running for load in loads)} if loads else {}),
            **({"waiting": sum(load.waiting for load in loads)} if loads else {}),
            "servers": len(lanes),
            "servers_up": sum(lane.is_up for lane in lanes),
            "in_flight_limit": self._in_flight_limit,
            "start_s": round(self._start_s, 1),
            "restarts": sum(lane.restarts for lane in lanes),
            "lost_s": round(sum(lane.lost_s for lane in lanes), 1),
            "idle_s": round(sum(lane.gate.idle_s for lane in lanes) / max(1, len(lanes)), 1),
        }

    # -- start and end ---------------------------------------------------------------------------------

    async def start(self) -> EngineIdentity:
        """Returns when the first server is up; others follow. Raises EngineUnavailable, RuntimeBroken."""
        began = time.monotonic()
        dict(self._engine.prompts)  # where they come from a package that is missing, no server is started
        if not self._options.url:
            self._check_version(server_version(self._options))
        for server, gate in await assemble(self.spec.name, self._engine, self._options, self._run_folder):
            self._pool.lanes.append(Lane(server, gate, self._options, self._changed))
        self._keeping = [asyncio.create_task(lane.keep()) for lane in self._pool.lanes]
        try:
            lane = await self._first_up()
            self._check_version(parse_version(lane.version))
        except BaseException:
            await self.close()
            raise
        self._start_s = time.monotonic() - began
        self._begun = True
        assert lane.served is not None
        version = f"vllm {lane.version}" if lane.version else "unknown"
        return EngineIdentity(version, lane.served.root)

    async def close(self) -> None:
        """Stop every server that was started, however far it had come; nobody's else."""
        self._begun = False
        self._pool.close()
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)

    async def _first_up(self) -> Lane:
        while True:
            self._moved.clear()
            for lane in self._pool.lanes:
                if lane.is_up:
                    return lane
            end = self._pool.end()
            if end is not None:
                raise end
            await self._moved.wait()

    def _changed(self) -> None:
        self._moved.set()
        self._pool.changed()
        self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _check_version(self, version: Version | None) -> None:
        self._version = version
        wanted = self._engine.served_by
        if version is not None and not wanted.holds(version):
            cause = f"a server of version {show_version(version)} cannot load {self._engine.models[0]}"
            raise EngineUnavailable(self.spec.name, cause, f"It needs {wanted}, or another runtime.")

    # -- one page --------------------------------------------------------------------------------------

    async def ask(self, ask: Ask, deadline_s: float) -> Recognition:
        """The deadline counts from when a server is asked, for each time that it is. Cancelled, the server
        stops writing."""
        if not self._begun:
            raise RuntimeBroken(f"engine {self.spec.name} is not running")
        patience = Patience(self._options.backoff_s)
        failing = _Failing()
        try:
            while True:
                recognition = await self._try(ask, deadline_s, patience, failing)
                if recognition is not None:
                    self._unluckiest = max(_FORGETTING * self._unluckiest, patience.waits)
                    return recognition
        finally:
            failing.at(None)

    async def _try(
        self, ask: Ask, deadline_s: float, patience: Patience, failing: _Failing
    ) -> Recognition | None:
        """None: ask again. Raises AskFailed, RuntimeBroken."""
        async with self._pool.lane(patience.is_suspect) as lane:
            if not lane.is_up:
                return None  # it went before it was our turn
            life, asked_at = lane.life, time.monotonic()
            try:
                return await self._put(lane, ask, deadline_s)
            except Faulty as error:
                trouble = error
            except LaneDown:
                self._died(lane, patience)
                return None
            if await lane.has_died(life, trouble):
                self._died(lane, patience)
                return None
        failing.at(lane)
        lane.failed()
        failing_now, failed_at = lane.failing, time.monotonic()
        if isinstance(trouble, Overloaded):
            await self._turned_away(lane, life, asked_at, trouble, patience)
            return None
        if await self._rest(lane, life, patience.backoff_s()):
            return None
        patience.failed(lane, failed_at)
        if patience.is_spent(failing_now):
            cause = f"{lane.server.name} failed on this page {patience.errors} times"
            raise AskFailed(FailureClass.TRANSPORT, cause, str(trouble), charged=False)
        return None

    async def _turned_away(
        self, lane: Lane, life: int, asked_at: float, trouble: Overloaded, patience: Patience
    ) -> None:
        """Wait for a server that has too much to do. One that says so of this page alone, whatever it has to
        do, is not let wait with all others. Raises AskFailed."""
        patience.turned_away(lane, time.monotonic())
        if patience.is_in_vain(lane.failing, self._unluckiest):
            cause = f"{lane.server.name} turned this page away {patience.waits} times"
            raise AskFailed(FailureClass.TRANSPORT, cause, str(trouble), charged=False)
        if patience.waits == 1 or lane.failing > FEW:
            lane.gate.overloaded(asked_at, time.monotonic())
        if not patience.is_picked_on:
            lane.pause(trouble.retry_after_s)
        await self._rest(lane, life, max(patience.backoff_s(), trouble.retry_after_s))

    async def _rest(self, lane: Lane, life: int, seconds: float) -> bool:
        """Wait before it is asked again, others in its place meanwhile; whether the server went."""
        self._resting += 1
        self._tell()
        try:
            return await lane.goes_down_within(life, seconds)
        finally:
            self._resting -= 1

    def _died(self, lane: Lane, patience: Patience) -> None:
        """The server went with this page inside."""
        if not lane.server.is_ours:
            return
        patience.deaths += 1
        if patience.deaths >= DEATHS:
            cause = f"{lane.server.name} ended {DEATHS} times while it read this page"
            raise AskFailed(FailureClass.TRANSPORT, cause)

    async def _put(self, lane: Lane, ask: Ask, deadline_s: float) -> Recognition:
        """Raises Faulty and LaneDown (ask again), AskFailed, RuntimeBroken."""
        assert lane.served is not None
        options: Mapping[str, Any] = {**self._reading, **ask.options}
        try:
            question = question_for(self._engine, ask.image, options, self._version)
        except OptionError as error:
            raise RuntimeBroken(f"engine {self.spec.name}: {error}") from None
        body = body_of(
            question, lane.served.name, stream=self._options.stream, logprobs=self._options.logprobs
        )
        asked_at = time.monotonic()
        try:
            said = await lane.put(body, deadline_s)
        except TooLate as error:
            lane.gate.overloaded(asked_at, time.monotonic())
            raise AskFailed(FailureClass.TIMEOUT, f"{self.spec.name} gave {error}") from None
        except TooLong as error:
            raise AskFailed(FailureClass.RUNAWAY, str(error)) from None
        except ShutOut as error:
            raise RuntimeBroken(f"{lane.server.name} does not let us in: {error}") from None
        except Refused as error:
            self._refused += 1
            if not self._answered and self._refused >= _REFUSALS:
                raise RuntimeBroken(f"{lane.server.name} refuses every question: {error}") from None
            cause = f"{lane.server.name} refused this page"
            raise AskFailed(FailureClass.TRANSPORT, cause, str(error)) from None
        self._answered += 1
        lane.answered(asked_at, question)
        recognition = recognition_of(self._engine, question, said)
        if recognition.language or not ask.languages:
            return recognition
        return replace(recognition, language=ask.languages[0])


class _Failing:
    """Counts a question among those that fail at a lane, at one at a time."""

    def __init__(self) -> None:
        self._lane: Lane | None = None

    def at(self, lane: Lane | None) -> None:
        if self._lane is lane:
            return
        if self._lane is not None:
            self._lane.fails_no_more()
        if lane is not None:
            lane.failing += 1
        self._lane = lane


__all__ = ["SERVER_OPTIONS", "OpenAiOptions", "OpenAiRuntime"]
