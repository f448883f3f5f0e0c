"""From a staged job to an accepted one, each step committed before and after the remote act.

The jobs of a round are submitted together: the first one held, each other one waiting for the one before;
the first is released last, so that none starts while it is not known whether the others were taken.
"""

from __future__ import annotations

import time
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import move_job, move_pages
from bocr_tui.catalog.words import JobState, PageState
from bocr_tui.control.events import ControlEvent, JobMoved, Trouble
from bocr_tui.control.jobs import JobRow, chain_jobs, job_row
from bocr_tui.control.staging import Stager
from bocr_tui.sites.scheduler.base import Accepted, Later, Rejected, Submission
from bocr_tui.sites.site import Site

ON_SITE = frozenset({JobState.SUBMITTED, JobState.HELD, JobState.QUEUED, JobState.RUNNING})
IN_DOUBT = frozenset({JobState.SUBMITTING, JobState.AMBIGUOUS})
TO_SUBMIT = IN_DOUBT | {JobState.PLANNED, JobState.STAGED}

MOST_ASKS = 20
"""Times an unclear submission is asked after before a person has to decide: about an hour and a half."""

ASK_AGAIN_S = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Pauses between those, growing to the last."""

LATER_S = 60.0
"""Pause after the scheduler said that it takes no more for now."""

_OPEN_PAGES = (
    "SELECT r.page_id FROM reservation r JOIN job j ON j.chain_id = r.chain_id"
    " JOIN page p ON p.id = r.page_id WHERE j.id = ? AND r.released_at IS NULL"
    " AND NOT (p.state = 'ok' AND p.changed_at >= r.created_at)"
)


@dataclass(frozen=True)
class _Place:
    """A job's place in its round: who it waits for (None: nobody), and whether it is submitted held."""

    job: JobRow
    before: JobRow | None
    held: bool


class Submitter:
    """Of one site. What it remembers between two calls are pauses only."""

    def __init__(self, catalog: Catalog, site: Site, tell: Callable[[ControlEvent], None]) -> None:
        self._catalog = catalog
        self._site = site
        self._tell = tell
        self._stager = Stager(catalog, site)
        self._ask_at: dict[int, float] = {}
        self._later_until = 0.0
        self.rejected: list[tuple[JobRow, str]] = []
        """Jobs that the scheduler refused for good, with its words: the caller ends them."""

    async def advance(self, living: Sequence[JobRow], ready: Callable[[JobRow], bool]) -> bool:
        """Bring what may be submitted now one step further. `ready` says whether a planned job's documents
        are on the site. Returns whether anything moved. Raises SiteError."""
        moved = False
        for chosen in await to_thread(self._rounds_to_go, living):
            for place in chosen:
                if not await self._advance(place, ready):
                    break
                moved = True
        return await self._release(living) or moved

    def _rounds_to_go(self, living: Sequence[JobRow]) -> list[list[_Place]]:
        """Rounds with jobs to submit, oldest first: those begun, then as many new ones as there is room for,
        a round as a whole."""
        rounds: dict[tuple[int, int], list[JobRow]] = defaultdict(list)
        for job in living:
            rounds[job.chain_id, job.round].append(job)
        free = self._limit() - sum(1 for job in living if job.state in ON_SITE | IN_DOUBT)
        idle = not any(job.state in ON_SITE | IN_DOUBT for job in living)
        chosen = []
        with self._catalog.reading() as connection:
            for (chain_id, number), members in sorted(rounds.items(), key=lambda entry: entry[1][0].id):
                waiting = [job for job in members if job.state in TO_SUBMIT]
                if not waiting:
                    continue
                begun = len(waiting) < len(members) or any(job.state in IN_DOUBT for job in waiting)
                if not begun and free < len(waiting) and not idle:
                    continue
                if not begun:
                    free, idle = free - len(waiting), False
                every = [job for job in chain_jobs(connection, chain_id) if job.round == number]
                chosen.append(_places(every))
        return chosen

    def _limit(self) -> int:
        config = self._site.config
        return config.max_queued if self._site.scheduler.chains else config.slots

    async def _advance(self, place: _Place, ready: Callable[[JobRow], bool]) -> bool:
        """Returns whether the next job of the round may be looked at."""
        job = place.job
        if job.state not in TO_SUBMIT:
            return not job.ended
        if job.state == JobState.PLANNED:
            if not ready(job):
                return False
            await self._stager.stage(job)
        if place.before is not None and (await self._fresh(place.before)).scheduler_id is None:
            return False
        if time.monotonic() < max(self._later_until, self._ask_at.get(job.id, 0.0)):
            return False
        if job.state == JobState.AMBIGUOUS and job.asks >= MOST_ASKS:
            return False
        if job.state in (JobState.PLANNED, JobState.STAGED):
            await to_thread(self._move, job.id, JobState.SUBMITTING)
        before = None if place.before is None else (await self._fresh(place.before)).scheduler_id
        answer = await self._site.scheduler.submit(job.token, held=place.held, after=before)
        return await self._took(place, answer)

    async def _took(self, place: _Place, answer: Submission) -> bool:
        job = place.job
        if isinstance(answer, Accepted):
            await to_thread(self._accepted, place, answer.scheduler_id)
            self._ask_at.pop(job.id, None)
            self._tell(JobMoved(job.id, job.token, JobState.SUBMITTED))
            return True
        if isinstance(answer, Rejected):
            self.rejected.append((job, answer.words))
        elif isinstance(answer, Later):
            self._later_until = time.monotonic() + LATER_S
            if job.state != JobState.AMBIGUOUS:
                await to_thread(lambda: self._move(job.id, JobState.STAGED, reason=answer.words))
        else:
            pause = ASK_AGAIN_S[min(job.asks, len(ASK_AGAIN_S) - 1)]
            self._ask_at[job.id] = time.monotonic() + pause
            asks = job.asks + 1
            await to_thread(lambda: self._move(job.id, JobState.AMBIGUOUS, reason=answer.words, asks=asks))
            self._tell(_doubt(job, answer.words, asks))
        return False

    async def _release(self, living: Sequence[JobRow]) -> bool:
        """Let the first jobs of rounds start whose other jobs the scheduler has."""
        released = False
        for job in await to_thread(self._releasable, living):
            assert job.scheduler_id is not None
            await self._site.scheduler.release(job.token, job.scheduler_id)
            await to_thread(self._freed, job.id)
            released = True
        return released

    def _releasable(self, living: Sequence[JobRow]) -> list[JobRow]:
        found = []
        with self._catalog.reading() as connection:
            for chain_id in dict.fromkeys(job.chain_id for job in living):
                jobs = chain_jobs(connection, chain_id)
                last = [job for job in jobs if job.round == jobs[-1].round]
                first = last[0]
                taken = all(job.scheduler_id is not None and not job.ended for job in last)
                if len(last) > 1 and taken and first.freed_at is None:
                    found.append(first)
        return found

    async def _fresh(self, job: JobRow) -> JobRow:
        return await to_thread(self._reload, job.id)

    def _reload(self, job_id: int) -> JobRow:
        with self._catalog.reading() as connection:
            return job_row(connection, job_id)

    def _move(self, job_id: int, state: JobState, **columns: object) -> None:
        with self._catalog.writing() as connection:
            move_job(connection, job_id, state, **columns)

    def _freed(self, job_id: int) -> None:
        with self._catalog.writing() as connection:
            connection.exec_driver_sql("UPDATE job SET freed_at = ? WHERE id = ?", (now(), job_id))

    def _accepted(self, place: _Place, scheduler_id: str) -> None:
        """The job is the scheduler's: the pages of a round's first job are queued, in the transaction that
        says so."""
        job = place.job
        with self._catalog.writing() as connection:
            take_accepted(connection, job, scheduler_id, first=place.before is None)


def take_accepted(connection: Connection, job: JobRow, scheduler_id: str, *, first: bool) -> None:
    """A job turned out to be the scheduler's under this id."""
    columns = {"scheduler_id": scheduler_id, "submitted_at": now(), "reason": "", "asks": 0}
    move_job(connection, job.id, JobState.SUBMITTED, **columns)
    if first:
        rows = connection.exec_driver_sql(_OPEN_PAGES, (job.id,)).all()
        move_pages(connection, [page_id for (page_id,) in rows], PageState.QUEUED)
    note(connection, "job", f"Job submitted as {scheduler_id}", job_id=job.id)


def _places(jobs: Sequence[JobRow]) -> list[_Place]:
    ordered = sorted(jobs, key=lambda job: job.stage)
    several = len(ordered) > 1
    return [
        _Place(job, ordered[number - 1] if number else None, several and not number)
        for number, job in enumerate(ordered)
    ]


def _doubt(job: JobRow, words: str, asks: int) -> Trouble:
    text = f"Whether job {job.token} was taken is not known: {words}"
    if asks >= MOST_ASKS:
        return Trouble(text, "It is not asked after any more: settle it with `bocr settle`.", job.id)
    return Trouble(text, "It is asked after again, never submitted anew.", job.id)
