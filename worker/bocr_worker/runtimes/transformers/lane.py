"""One child process and the batches it reads: brought up, asked, brought up again, or given up."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

from bocr_worker.children import Child, ChildDied, ChildFailed, ChildSpec, ChildTimeout, TaskRaised
from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.runtimes.base import AskFailed, RuntimeBroken
from bocr_worker.runtimes.openai.answers import Completion
from bocr_worker.runtimes.transformers.batches import Asked, BatchSize, Waiting
from bocr_worker.runtimes.transformers.wire import (
    Again,
    Answers,
    Late,
    Loaded,
    Problem,
    RowAnswer,
    TooMany,
)

GRACE_S, GRACE_SHARE = 10.0, 0.1
"""How long after a batch's deadline its process is killed: rows end themselves at theirs, but only after a
step, and the first step of a batch encodes all its images."""

_DEATHS_AT_START = 2
"""Processes that may die in a row while loading; one may have met the system's memory killer."""


class Lane:
    """`loaded` is what the process said last; `broken` why it is never asked again."""

    def __init__(
        self,
        name: str,
        engine: str,
        child: ChildSpec,
        waiting: Waiting,
        suspects: set[bytes],
        restarts: int,
        changed: Callable[[], None],
    ) -> None:
        self.name = name
        self.loaded: Loaded | None = None
        self.broken: Exception | None = None
        self.size = BatchSize(1)
        self.restarts = 0
        self.lost_s = 0.0
        """Spent on loading again after a death."""
        self.batches = self.rows = 0
        self.peak_bytes = 0
        self.is_reading = False
        self._engine = engine
        self._child = Child(child)
        self._waiting = waiting
        self._suspects = suspects
        self._allowed = restarts
        self._fruitless = 0
        self._changed = changed

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def is_up(self) -> bool:
        return self.loaded is not None and self.broken is None

    # -- the process -----------------------------------------------------------------------------------

    async def load(self) -> None:
        """Start the process if it does not run. Raises EngineUnavailable or RuntimeBroken, from then on
        always."""
        while self.broken is None:
            if self._child.pid is not None:
                return
            began = time.monotonic()
            try:
                told: Loaded = await self._child.start()
            except TaskRaised as error:
                await self._child.kill()
                self.broken = self._cannot_load(error)
            except (ChildFailed, OSError) as error:
                self._fruitless += 1
                if self._fruitless >= (_DEATHS_AT_START if self.loaded is None else self._allowed):
                    self.broken = self._cannot_load(error)
            else:
                self._came_up(told, time.monotonic() - began)
        raise self.broken

    def _came_up(self, told: Loaded, seconds: float) -> None:
        if self.loaded is None:
            self.size = BatchSize(told.batch_size)
        else:
            self.restarts += 1
            self.lost_s += seconds
        self.loaded = told

    def _cannot_load(self, error: Exception) -> Exception:
        if isinstance(error, TaskRaised) and isinstance(error.error, EngineUnavailable):
            return error.error
        return RuntimeBroken(f"{self._engine} on {self.name} cannot be loaded: {error}")

    async def keep(self) -> None:
        """Read what waits until cancelled or given up. Leaves no process behind."""
        try:
            while self.broken is None:
                batch = await self._waiting.take(self.size.limit)
                try:
                    await self.load()
                except (EngineUnavailable, RuntimeBroken) as error:
                    _say(f"{self.name} is given up: {error}")
                    self._put_back(batch)
                    return
                try:
                    await self._read(batch)
                except BaseException:
                    self._put_back(batch)
                    raise
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave questions waiting for ever
            self.broken = RuntimeBroken(f"a fault in the runtime: {type(error).__name__}: {error}")
        finally:
            await self._child.kill()
            self._changed()

    async def end(self) -> None:
        await self._child.kill()

    def _put_back(self, batch: list[Asked]) -> None:
        for asked in reversed(batch):
            if not asked.answer.done():
                self._waiting.put(asked, first=True)

    # -- a batch ---------------------------------------------------------------------------------------

    async def _read(self, batch: list[Asked]) -> None:
        deadline_s = max(asked.row.deadline_s for asked in batch)
        rows = tuple(asked.row for asked in batch)
        try:
            said = await self._unless_forsaken(batch, rows, deadline_s * (1 + GRACE_SHARE) + GRACE_S)
        except ChildFailed as error:
            self._died(batch, error)
            return
        except TaskRaised as error:
            said = _without_words(error, len(batch))
        if said is None:
            return
        if isinstance(said, TooMany):
            self._too_many(batch, said)
            return
        self._fruitless = 0
        self.batches += 1
        self.rows += len(batch)
        self.peak_bytes = max(self.peak_bytes, said.peak_bytes)
        self.size.went_well(len(batch))
        for asked, answer in zip(batch, said.rows):  # noqa: B905 - Python 3.10, and of one length
            self._settle(asked, answer)

    async def _unless_forsaken(
        self, batch: list[Asked], rows: tuple[object, ...], within_s: float
    ) -> Answers | TooMany | None:
        """None, and the process killed, once nobody waits for any of the rows any more."""
        forsaken = asyncio.Event()

        def look(_: object) -> None:
            if all(asked.answer.done() for asked in batch):
                forsaken.set()

        for asked in batch:
            asked.answer.add_done_callback(look)
        self.is_reading = True
        reading = asyncio.ensure_future(self._child.run(rows, within_s))
        leaving = asyncio.ensure_future(forsaken.wait())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                return None
            said: Answers | TooMany = reading.result()
            return said
        finally:
            self.is_reading = False
            for task in (reading, leaving):
                task.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)

    def _settle(self, asked: Asked, said: RowAnswer) -> None:
        self._suspects.discard(asked.print)
        if asked.answer.done():
            return
        if isinstance(said, Completion):
            asked.answer.set_result(said)
        elif isinstance(said, Again):
            asked.alone = True
            self._waiting.put(asked, first=True)
        elif isinstance(said, Late):
            cause = f"{self._engine} had written {said.tokens} tokens after {asked.row.deadline_s:g} s"
            asked.answer.set_exception(AskFailed(FailureClass.TIMEOUT, cause))
        else:
            assert isinstance(said, Problem)
            cause = f"{self._engine} failed on this page: {said.kind}"
            asked.answer.set_exception(AskFailed(FailureClass.TRANSPORT, cause, said.message))

    def _too_many(self, batch: list[Asked], said: TooMany) -> None:
        """Half of them next time. A page that does not fit alone is asked once more, on memory that nothing
        else was in before."""
        self.size.failed(len(batch))
        _say(f"{self.name}: the memory does not suffice for {len(batch)} pages at a time")
        if len(batch) > 1 or not batch[0].did_not_fit:
            if len(batch) == 1:
                batch[0].did_not_fit = batch[0].alone = True
            self._put_back(batch)
            return
        if not batch[0].answer.done():
            cause = f"{self.name} has too little memory for this page"
            batch[0].answer.set_exception(AskFailed(FailureClass.TRANSPORT, cause, said.message))

    def _died(self, batch: list[Asked], error: ChildFailed) -> None:
        """Whose fault it was, only a page that is asked alone can show."""
        self._fruitless += 1
        _say(f"{self.name}: {error}")
        for asked in batch:
            self._suspects.add(asked.print)
        if len(batch) > 1:
            for asked in batch:
                asked.alone = True
            self._put_back(batch)
        elif not batch[0].answer.done():
            batch[0].answer.set_exception(self._its_end(error))
        if self._fruitless > self._allowed:
            self.broken = RuntimeBroken(
                f"{self._engine} on {self.name} ended {self._fruitless} times without reading a page: {error}"
            )

    def _its_end(self, error: ChildFailed) -> AskFailed:
        if isinstance(error, ChildTimeout):
            return AskFailed(FailureClass.TIMEOUT, f"{self._engine} gave {error}")
        assert isinstance(error, ChildDied)
        cause = f"the process of {self._engine} ended while reading this page"
        return AskFailed(FailureClass.TRANSPORT, cause, str(error), charged=False, died=True)


def _without_words(error: TaskRaised, rows: int) -> Answers:
    """A fault of ours, or an answer that did not survive the pipe."""
    each: RowAnswer = (Problem if rows == 1 else Again)(error.kind, error.message)
    return Answers((each,) * rows)


def _say(words: str) -> None:
    """For the job's log."""
    print(words, file=sys.stderr, flush=True)  # noqa: T201
