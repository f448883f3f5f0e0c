"""What people ask of jobs, carried out on a site: cancel, requeue, hold, release."""

from __future__ import annotations

import time
from asyncio import to_thread
from collections.abc import Callable, Sequence
from typing import Protocol

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.words import JobState
from bocr_tui.config.errors import SiteError
from bocr_tui.control.events import ControlEvent, Trouble
from bocr_tui.control.jobs import JobRow
from bocr_tui.control.judging import CANCEL, REQUEUE, Ending
from bocr_tui.control.requests import HOLD, JobRequest, answer_requests
from bocr_tui.control.submitting import ON_SITE
from bocr_tui.sites.site import Site

FORCE_AFTER_S = 12.0
"""A job that was asked to stop and still lives after this long is killed: twice what it promises."""

REFUSED_AGAIN_S = 60.0
"""A scheduler that would not stop a job is asked again after this long."""


class Books(Protocol):
    """Where endings are written: the driver."""

    async def end(self, job: JobRow, ending: Ending, unreadable_lines: int = 0) -> None: ...

    async def move(self, job: JobRow, state: JobState) -> None: ...

    def tell(self, event: ControlEvent) -> None: ...


class Carrier:
    """Of one site. `look_soon` is called when a job may stand otherwise than the scheduler last said."""

    def __init__(self, catalog: Catalog, site: Site, books: Books, look_soon: Callable[[], object]) -> None:
        self._catalog = catalog
        self._site = site
        self._books = books
        self._look_soon = look_soon
        self._stopping: dict[int, float] = {}
        self._refused: dict[int, str] = {}

    def is_stopping(self, job_id: int) -> bool:
        """Whether this job was asked to stop."""
        return job_id in self._stopping

    def forget(self, job_id: int) -> None:
        """It has ended."""
        self._stopping.pop(job_id, None)
        self._refused.pop(job_id, None)

    async def carry_out(self, jobs: Sequence[JobRow], requests: Sequence[JobRequest]) -> None:
        """Later stages first: a job that waits for another would start when that one is stopped. Raises
        SiteError."""
        named = {job.id: job for job in jobs}
        for request in sorted(requests, key=lambda one: -named[one.job_id].stage):
            job = named[request.job_id]
            if request.kind in (CANCEL, REQUEUE):
                await self._stop(request, job)
            else:
                await self._hold_or_release(request, job)

    async def _stop(self, request: JobRequest, job: JobRow) -> None:
        """Asked again each time until the job has ended; the request is answered then."""
        if job.state in (JobState.PLANNED, JobState.STAGED):
            if request.kind == CANCEL:
                ending = Ending(JobState.CANCELLED, None, "cancelled before it was submitted")
                await self._books.end(job, ending)
            else:
                await to_thread(self._answer, request.id, "it waits to be submitted already")
            return
        if job.state not in ON_SITE:
            return  # first it must be known whether there is anything to stop
        asked_at = self._stopping.get(job.id)
        pause_s = REFUSED_AGAIN_S if job.id in self._refused else FORCE_AFTER_S
        force = asked_at is not None and time.monotonic() - asked_at > pause_s
        if asked_at is None or force:
            await self._ask_to_stop(job, force=force or _never_ran(job))
            self._stopping[job.id] = time.monotonic()
            self._look_soon()

    async def _ask_to_stop(self, job: JobRow, *, force: bool) -> None:
        """A scheduler's refusal is told once: the job may end by its stop file, and the others of the site
        have nothing to do with it. Raises what says that the link is lost."""
        try:
            await self._site.scheduler.stop(job.token, job.scheduler_id, force=force)
            self._refused.pop(job.id, None)
        except SiteError as error:
            if type(error) is not SiteError:
                raise
            if self._refused.get(job.id) != error.cause:
                self._books.tell(Trouble(error.cause, error.next_step, job.id))
            self._refused[job.id] = error.cause

    async def _hold_or_release(self, request: JobRequest, job: JobRow) -> None:
        if job.state not in ON_SITE or job.scheduler_id is None:
            return
        scheduler = self._site.scheduler
        try:
            if request.kind == HOLD:
                await scheduler.hold(job.token, job.scheduler_id)
            else:
                await scheduler.release({job.token: job.scheduler_id})
        except SiteError as error:
            if type(error) is not SiteError:
                raise  # the link, not the scheduler
            said = f"{error.cause} {error.next_step}".strip()
            await to_thread(self._answer, request.id, said, refused=True)
            self._books.tell(Trouble(error.cause, error.next_step, job.id))
            return
        self._look_soon()
        await to_thread(self._answer, request.id, "done")

    def _answer(self, request_id: int, answer: str, *, refused: bool = False) -> None:
        with self._catalog.writing() as connection:
            answer_requests(connection, [request_id], answer, refused=refused)


def _never_ran(job: JobRow) -> bool:
    """Nobody would read its stop file: the scheduler has to drop it."""
    return job.state in (JobState.HELD, JobState.QUEUED)
