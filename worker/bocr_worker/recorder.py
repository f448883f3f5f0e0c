"""From verdicts to durable files, in the order that makes a page safe.

Results are written and synced first, then the journal's events that name them, then the journal is synced.
What waits at one moment is synced together, so that a fast engine pays for one sync, not for one a page.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

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


class Recorder:
    """Counts only what is on the disk. One consumer; `put` waits when the disk is behind."""

    def __init__(self, run: Path, journal: JournalWriter) -> None:
        self.journal = journal
        self._results = Appender(run / f"results-{journal.generation}.jsonl")
        self._waiting: asyncio.Queue[Outcome | None] = asyncio.Queue(WAITING_PAGES)
        self.ok = 0
        self.failed = 0

    async def put(self, outcome: Outcome) -> None:
        await self._waiting.put(outcome)

    def started(self, event: PageEvent) -> None:
        """Say that a page is being read; not synced, because nothing rests on it."""
        self.journal.page(event)

    async def finish(self) -> None:
        """Write what waits and end `run`."""
        await self._waiting.put(None)

    async def run(self) -> None:
        """Write until `finish`. Raises OSError when the disk does not take it: the job cannot go on."""
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
        for event in events:
            self.journal.page(event)
        await asyncio.to_thread(self.journal.sync)
        for event in events:
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
