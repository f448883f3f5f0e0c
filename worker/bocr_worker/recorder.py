"""From verdicts to durable files, in the order that makes a page safe.

Results are written and synced first, then the journal's events that name them, then the journal is synced.
What waits at one moment is synced together, so that a fast engine pays for one sync, not for one a page.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from bocr_worker.files import Appender
from bocr_worker.journal import JournalWriter
from bocr_worker.protocol.events import OK, PageEvent, ResultPlace
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.protocol.results import PageResult, encode_result

WAITING_PAGES = 64
"""Finished pages that may wait for the disk before engines wait for it."""


@dataclass(frozen=True)
class Outcome:
    """A page's verdict and what was read, on its way to the disk."""

    event: PageEvent
    recognition: Recognition | None


class Fence(Protocol):
    """What tells whether this process still holds the run."""

    def is_fresh(self) -> bool:
        """Without looking."""
        ...

    def confirm(self) -> None:
        """Raises ClaimedElsewhere, or OSError where that cannot be known. May block."""
        ...


class Recorder:
    """Counts only what is on the disk. One consumer; `put` waits when the disk is behind.

    A process that was asleep for longer than its lease may wake up beside another that works on the same
    pages: before each group of verdicts the fence is asked, so that no page gets two.
    """

    def __init__(self, run: Path, journal: JournalWriter, fence: Fence) -> None:
        self.journal = journal
        self._fence = fence
        self._results = Appender(run / f"results-{journal.generation}.jsonl")
        self._waiting: asyncio.Queue[Outcome | None] = asyncio.Queue(WAITING_PAGES)
        self.ok = 0
        self.failed = 0
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None

    async def put(self, outcome: Outcome) -> None:
        await self._waiting.put(outcome)

    def started(self, event: PageEvent) -> None:
        """Say that a page is being read; not synced, because nothing rests on it."""
        if self._fence.is_fresh():
            self.journal.page(event)

    async def finish(self, running: asyncio.Task[None]) -> None:
        """Write what waits and end `run`, which is `running`. Raises what it raises."""
        ending = asyncio.create_task(self._waiting.put(None))
        # A line that is full is never emptied once the disk has failed.
        await asyncio.wait({ending, running}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        await running

    async def run(self) -> None:
        """Write until `finish`. Raises OSError when the disk does not take it, ClaimedElsewhere when the run
        is another's: the job cannot go on."""
        while True:
            group = [await self._waiting.get()]
            while not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            outcomes = [outcome for outcome in group if outcome is not None]
            if outcomes:
                await self._record(outcomes)
            if len(outcomes) < len(group):
                return

    async def _record(self, outcomes: list[Outcome]) -> None:
        events = [self._write_result(outcome) for outcome in outcomes]
        await asyncio.to_thread(self._results.sync)
        if not self._fence.is_fresh():
            await asyncio.to_thread(self._fence.confirm)
        for event in events:
            self.journal.page(event)
        await asyncio.to_thread(self.journal.sync)
        for event in events:
            self.prompt_tokens = _plus(self.prompt_tokens, event.usage.prompt_tokens)
            self.completion_tokens = _plus(self.completion_tokens, event.usage.completion_tokens)
            if event.status == OK:
                self.ok += 1
            elif event.last:
                self.failed += 1

    def _write_result(self, outcome: Outcome) -> PageEvent:
        event, recognition = outcome.event, outcome.recognition
        if recognition is None:
            return event
        line = encode_result(
            PageResult(event.document, event.page, event.attempt, event.status == OK, recognition)
        )
        offset = self._results.append(line)
        place = ResultPlace(self._results.path.name, offset, len(line), hashlib.sha256(line).hexdigest())
        return replace(event, result=place)

    def close(self) -> None:
        self._results.sync()
        self._results.close()


def _plus(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more
