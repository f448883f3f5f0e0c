"""From a staged job to an accepted one, each step committed before and after the remote act.

The jobs of a round are submitted together: the first one held, each other one waiting for the one before;
the first is released last, so that none starts while it is not known whether the others were taken.
"""

from __future__ import annotations

import time
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import move_job, move_pages
from bocr_tui.catalog.words import JOB_ENDED, JobState, PageState
from bocr_tui.control.events import ControlEvent, JobMoved, Trouble
from bocr_tui.control.jobs import JobRow, chain_jobs, job_row
from bocr_tui.control.staging import Stager
from bocr_tui.sites.scheduler.base import Accepted, Later, Rejected, Submission, SubmitOrder, Unclear
from bocr_tui.sites.site import Site

ON_SITE = frozenset({JobState.SUBMITTED, JobState.HELD, JobState.QUEUED, JobState.RUNNING})
IN_DOUBT = frozenset({JobState.SUBMITTING, JobState.AMBIGUOUS})
TO_SUBMIT = IN_DOUBT | {JobState.PLANNED, JobState.STAGED}

MOST_ASKS = 20
"""Times an unclear submission is asked after before a person has to decide: about an hour and a half."""

ASK_AGAIN_S = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Pauses between those, growing to the last."""

MOST_AT_ONCE = 100
"""Jobs staged, and jobs submitted, by one question to the site."""

LATER_S = 60.0
"""Pause after the scheduler said that it takes no more for now."""

_ENDED = ", ".join(f"'{state}'" for state in sorted(JOB_ENDED))

_RELEASABLE = f"""
SELECT j.id, j.token, j.scheduler_id FROM job j
WHERE j.site = ? AND j.state NOT IN ({_ENDED}) AND j.scheduler_id IS NOT NULL AND j.freed_at IS NULL
  AND EXISTS (SELECT 1 FROM job o WHERE o.chain_id = j.chain_id AND o.round = j.round AND o.stage > j.stage)
  AND NOT EXISTS (SELECT 1 FROM job o WHERE o.chain_id = j.chain_id AND o.round = j.round
                  AND (o.stage < j.stage OR o.scheduler_id IS NULL OR o.state IN ({_ENDED})))
ORDER BY j.id
"""  # noqa: S608 - our own words
"""The first jobs of rounds of several, held until the scheduler has all of them."""

_OPEN_PAGES = (
    "SELECT r.page_id FROM reservation r JOIN job j ON j.chain_id = r.chain_id"
    " JOIN page p ON p.id = r.page_id WHERE j.id = ? AND r.released_at IS NULL"
    " AND NOT p.by_person AND NOT (p.state = 'ok' AND p.changed_at >= r.created_at)"
)


@dataclass(frozen=True)
class _Place:
    """A job's place in its round: who it waits for (None: nobody), and whether it is submitted held."""

    job: JobRow
    before: JobRow | None
    held: bool

    @property
    def order(self) -> SubmitOrder:
        after = self.before.scheduler_id if self.before is not None else None
        return SubmitOrder(self.job.token, self.held, after, again=self.job.state in IN_DOUBT)


Ready = Callable[[Sequence[JobRow]], Awaitable[list[JobRow]]]
"""Which of these planned jobs have their documents on the site."""


class Submitter:
    """Of one site. What it remembers between two calls are pauses only."""

    def __init__(self, catalog: Catalog, site: Site, tell: Callable[[ControlEvent], None]) -> None:
        self._catalog = catalog
        self._site = site
        self._tell = tell
        self._stager = Stager(catalog, site, tell)
        self._ask_at: dict[int, float] = {}
        self._later_until = 0.0
        self.rejected: list[tuple[JobRow, str]] = []
        """Jobs that the scheduler refused for good, with its words: the caller ends them."""

    async def advance(self, living: Sequence[JobRow], ready: Ready) -> bool:
        """Bring what may be submitted now as far as it goes. Returns whether anything moved. Raises
        SiteError, and what is not done then is done the next time."""
        places = await to_thread(self._places_to_go, living)
        staged = await self._stage(places, ready)
        submitted = await self._submit_waves([place.job.id for place in places])
        return await self._release() or bool(staged) or submitted

    async def _stage(self, places: Sequence[_Place], ready: Ready) -> list[JobRow]:
        planned = [place.job for place in places if place.job.state == JobState.PLANNED]
        able = await ready(planned[:MOST_AT_ONCE]) if planned else []
        if able:
            await self._stager.stage(able)
        return able

    async def _submit_waves(self, job_ids: Sequence[int]) -> bool:
        """The first jobs of the rounds, then those that wait for them, and so on: each wave is one question
        to the site."""
        moved, asked = False, set[int]()
        while True:
            wave = [place for place in await to_thread(self._wave, job_ids) if place.job.id not in asked]
            if not wave:
                return moved
            asked |= {place.job.id for place in wave}
            await to_thread(self._submitting, wave)
            answers = await self._site.scheduler.submit([place.order for place in wave])
            await to_thread(self._took, wave, answers)
            moved = moved or any(isinstance(answer, Accepted) for answer in answers)
            for place, answer in zip(wave, answers, strict=True):
                self._tell_of(place.job, answer)

    def _wave(self, job_ids: Sequence[int]) -> list[_Place]:
        """Of these jobs, those that can be submitted now."""
        if time.monotonic() < self._later_until:
            return []
        found = []
        with self._catalog.reading() as connection:
            for job_id in job_ids:
                job = job_row(connection, job_id)
                if job.state not in TO_SUBMIT - {JobState.PLANNED}:
                    continue
                if time.monotonic() < self._ask_at.get(job_id, 0.0) or job.asks >= MOST_ASKS:
                    continue
                place = next(place for place in _places(_round_of(connection, job)) if place.job.id == job_id)
                if place.before is None or place.before.scheduler_id is not None:
                    found.append(place)
        return found[:MOST_AT_ONCE]

    def _places_to_go(self, living: Sequence[JobRow]) -> list[_Place]:
        """Jobs of rounds that were begun, oldest first, then of as many new rounds as there is room for, a
        round as a whole."""
        rounds: dict[tuple[int, int], list[JobRow]] = defaultdict(list)
        for job in living:
            rounds[job.chain_id, job.round].append(job)
        taken = sum(1 for job in living if job.state in ON_SITE | IN_DOUBT)
        chosen: list[_Place] = []
        with self._catalog.reading() as connection:
            for members in sorted(rounds.values(), key=lambda entry: entry[0].id):
                waiting = [job for job in members if job.state in TO_SUBMIT]
                if not waiting:
                    continue
                begun = len(waiting) < len(members) or any(job.state in IN_DOUBT for job in waiting)
                if not begun:
                    if taken and taken + len(waiting) > self._limit():
                        continue
                    taken += len(waiting)
                places = _places(_round_of(connection, waiting[0]))
                chosen += [place for place in places if place.job.state in TO_SUBMIT]
        return chosen

    def _limit(self) -> int:
        config = self._site.config
        return config.max_queued if self._site.scheduler.chains else config.slots

    def _submitting(self, wave: Sequence[_Place]) -> None:
        with self._catalog.writing() as connection:
            for place in wave:
                if place.job.state == JobState.STAGED:
                    move_job(connection, place.job.id, JobState.SUBMITTING)

    def _took(self, wave: Sequence[_Place], answers: Sequence[Submission]) -> None:
        """What the scheduler said, in one transaction."""
        with self._catalog.writing() as connection:
            for place, answer in zip(wave, answers, strict=True):
                job = place.job
                if isinstance(answer, Accepted):
                    take_accepted(connection, job, answer.scheduler_id, first=place.before is None)
                elif isinstance(answer, Later):
                    if job.state != JobState.AMBIGUOUS:
                        move_job(connection, job.id, JobState.STAGED, reason=answer.words[:1000])
                elif isinstance(answer, Unclear):
                    columns = {"reason": answer.words[:1000], "asks": job.asks + 1}
                    move_job(connection, job.id, JobState.AMBIGUOUS, **columns)

    def _tell_of(self, job: JobRow, answer: Submission) -> None:
        self._ask_at.pop(job.id, None)
        if isinstance(answer, Accepted):
            self._tell(JobMoved(job.id, job.token, JobState.SUBMITTED))
        elif isinstance(answer, Rejected):
            self.rejected.append((job, answer.words))
        elif isinstance(answer, Later):
            self._later_until = time.monotonic() + LATER_S
        else:
            pause = ASK_AGAIN_S[min(job.asks, len(ASK_AGAIN_S) - 1)]
            self._ask_at[job.id] = time.monotonic() + pause
            self._tell(_doubt(job, answer.words, job.asks + 1))

    async def _release(self) -> bool:
        """Let the first jobs of rounds start whose other jobs the scheduler has."""
        jobs = await to_thread(self._releasable)
        if jobs:
            await self._site.scheduler.release({token: scheduler_id for _, token, scheduler_id in jobs})
            await to_thread(self._freed, [job_id for job_id, _, _ in jobs])
        return bool(jobs)

    def _releasable(self) -> list[tuple[int, str, str]]:
        with self._catalog.reading() as connection:
            rows = connection.exec_driver_sql(_RELEASABLE, (self._site.name,)).all()
        return [(int(job_id), str(token), str(scheduler_id)) for job_id, token, scheduler_id in rows]

    def _freed(self, job_ids: Sequence[int]) -> None:
        with self._catalog.writing() as connection:
            connection.exec_driver_sql(
                "UPDATE job SET freed_at = ? WHERE id = ?", [(now(), job_id) for job_id in job_ids]
            )


def take_accepted(connection: Connection, job: JobRow, scheduler_id: str, *, first: bool) -> None:
    """A job turned out to be the scheduler's under this id."""
    columns = {"scheduler_id": scheduler_id, "submitted_at": now(), "reason": "", "asks": 0}
    move_job(connection, job.id, JobState.SUBMITTED, **columns)
    if first:
        rows = connection.exec_driver_sql(_OPEN_PAGES, (job.id,)).all()
        move_pages(connection, [page_id for (page_id,) in rows], PageState.QUEUED)
    note(connection, "job", f"Job submitted as {scheduler_id}", job_id=job.id)


def _round_of(connection: Connection, job: JobRow) -> list[JobRow]:
    return [other for other in chain_jobs(connection, job.chain_id) if other.round == job.round]


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
