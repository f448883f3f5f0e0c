"""The driver: takes every job from planned to ended, and every chain from stage to stage.

It keeps no state of its own that matters: each tick asks the catalog what there is to do, so that starting
after a crash is a tick like any other. It has no user interface; listeners get typed events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import OperationalError

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.transitions import move_job
from bocr_tui.catalog.words import JobCause, JobState
from bocr_tui.config.errors import Busy, SiteError
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.ending import Ending, Endings, ending_of
from bocr_tui.control.events import ChainEnded, ControlEvent, DriverState, JobMoved, Trouble
from bocr_tui.control.following import FollowedRun, Follower
from bocr_tui.control.jobs import JobRow, living_jobs
from bocr_tui.control.lease import DriverLease
from bocr_tui.control.staging import Stager
from bocr_tui.sites.scheduler.base import JobView
from bocr_tui.sites.site import Site, open_site

_ON_SITE = frozenset({JobState.SUBMITTED, JobState.HELD, JobState.QUEUED, JobState.RUNNING})
_TO_SUBMIT = frozenset({JobState.PLANNED, JobState.STAGED, JobState.SUBMITTING, JobState.AMBIGUOUS})

GRACE_S = 3.0
"""How long after a local process is gone its exit report may still turn up."""

FORCE_AFTER_S = 12.0
"""A job that was asked to stop and still lives after this long is killed: twice what it promises."""

CATALOG_RETRY_S = 2.0
"""Pause after the catalog refused a transaction: locked for longer than a writer waits, or no space."""

IDLE_PAUSE_S = 1.0
"""Between two looks for new orders when nothing is under way."""

SITE_RETRY_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Pauses after a site failed, growing to the last."""


class _SiteDriver:
    """What the driver does on one site, and what it remembers about it between two ticks."""

    def __init__(self, driver: Driver, site: Site) -> None:
        self._driver = driver
        self.site = site
        self._stager = Stager(driver.catalog, site, driver.tell)
        self._follower = Follower(driver.catalog, site, driver.workspace.results, driver.tell)
        self._views: dict[str, JobView] = {}
        self._looked_at = 0.0
        self._gone_since: dict[int, float] = {}
        self._cancelled: dict[int, float] = {}
        self._failures = 0
        self._pause_until = 0.0

    async def tick(self, jobs: list[JobRow], cancels: set[int]) -> bool:
        """Returns whether there is more to do at once. Never raises for what a site does wrong."""
        if time.monotonic() < self._pause_until:
            return False
        try:
            more = await self._tick(jobs, cancels)
        except SiteError as error:
            pause = SITE_RETRY_S[min(self._failures, len(SITE_RETRY_S) - 1)]
            self._failures += 1
            self._pause_until = time.monotonic() + pause
            self._driver.tell(Trouble(f"{self.site.name}: {error.cause}", f"Tried again in {pause:g} s."))
            return False
        self._failures = 0
        return more

    async def _tick(self, jobs: list[JobRow], cancels: set[int]) -> bool:
        await self._cancel([job for job in jobs if job.id in cancels])
        on_site = [job for job in jobs if job.state in _ON_SITE]
        await self._look(on_site)
        more = False
        for run in await self._follower.follow(on_site):
            more = await self._judge(run) or more
        free = self.site.config.slots - len(on_site)
        for job in [job for job in jobs if job.state in _TO_SUBMIT and job.id not in cancels][: max(0, free)]:
            await self._stager.advance(job)
            more = True
        return more

    async def _look(self, jobs: list[JobRow]) -> None:
        if time.monotonic() - self._looked_at < self.site.look_s:
            return
        ids = {job.token: job.scheduler_id for job in jobs if job.scheduler_id}
        look = await self.site.scheduler.look(ids)
        if look.problem:
            raise SiteError(f"The scheduler of {self.site.name} does not answer: {look.problem}.")
        self._views = dict(look.views)
        self._looked_at = time.monotonic()
        for job in jobs:
            view = self._views.get(job.token)
            if view is not None and view.state in ("held", "queued", "running") and view.state != job.state:
                await self._driver.move(job, JobState(view.state))

    async def _judge(self, run: FollowedRun) -> bool:
        """Has this job ended? Then close its books. Returns whether to go on at once."""
        job, view = run.job, self._views.get(run.job.token)
        ended = run.exit is not None or (view is not None and view.state in ("ended", "unknown"))
        if run.behind:
            return True
        if not ended:
            self._gone_since.pop(job.id, None)
            return False
        if run.exit is None:
            gone = time.monotonic() - self._gone_since.setdefault(job.id, time.monotonic())
            if gone < GRACE_S:
                return False
        elif view is not None and view.state == "running" and job.id not in self._cancelled:
            return False  # its last word is written, its process not yet gone: a moment
        unreadable = await self._follower.close_books(run)
        cancelled = job.id in self._cancelled or await asyncio.to_thread(self._driver.was_cancelled, job.id)
        words = view.words if view is not None else ""
        await self._driver.end(job, ending_of(job.token, run.exit, cancelled, words), unreadable)
        self._gone_since.pop(job.id, None)
        self._cancelled.pop(job.id, None)
        return True

    async def _cancel(self, jobs: list[JobRow]) -> None:
        for job in jobs:
            if job.state in (JobState.PLANNED, JobState.STAGED):
                await self._driver.end(
                    job, Ending(JobState.CANCELLED, None, "cancelled before it was submitted")
                )
                continue
            if job.state in (JobState.SUBMITTING, JobState.AMBIGUOUS):
                continue  # first it must be known whether there is anything to cancel
            asked_at = self._cancelled.get(job.id)
            force = asked_at is not None and time.monotonic() - asked_at > FORCE_AFTER_S
            if asked_at is None or force:
                await self.site.scheduler.stop(job.token, job.scheduler_id, force=force)
                self._cancelled.setdefault(job.id, time.monotonic())


class Driver:
    """One per workspace at a time. `on_event` is called on the loop that runs `run`."""

    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        *,
        on_event: Callable[[ControlEvent], None] | None = None,
    ) -> None:
        self.workspace = workspace
        self.catalog = catalog
        self._on_event = on_event
        self._sites: dict[str, _SiteDriver] = {}
        self._endings = Endings(catalog, workspace.config.limits.job_tries)

    def tell(self, event: ControlEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)

    async def run(self, *, until_idle: bool, stop: asyncio.Event) -> None:
        """Drive until `stop` is set, or with `until_idle` until nothing is left to do.

        Jobs on a site are not stopped: they go on, and the next driver finds them. Raises Busy when another
        driver holds the lease.
        """
        lease = DriverLease(self.catalog)
        await asyncio.to_thread(lease.take)
        self.tell(DriverState("driving"))
        try:
            while not stop.is_set():
                try:
                    await asyncio.to_thread(lease.renew)
                    jobs, more = await self._tick()
                except OperationalError as error:
                    # Another writer takes long, or the disk is full: nothing was changed, and it may pass.
                    words = f"The catalog cannot be written now: {error.orig}."
                    self.tell(Trouble(words, f"Tried again in {CATALOG_RETRY_S:g} s."))
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), CATALOG_RETRY_S)
                    continue
                if not jobs and until_idle:
                    return
                if not more:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), self._pause_s() if jobs else IDLE_PAUSE_S)
        finally:
            await asyncio.shield(asyncio.to_thread(_give_back, lease))
            for site in self._sites.values():
                await site.site.transport.close()
            self.tell(DriverState("stopped"))

    async def _tick(self) -> tuple[list[JobRow], bool]:
        jobs = await asyncio.to_thread(self._living)
        cancels = await asyncio.to_thread(self._cancels, jobs)
        more = False
        for name in dict.fromkeys(job.site for job in jobs):
            mine = [job for job in jobs if job.site == name]
            more = await self._site(name).tick(mine, cancels) or more
        return jobs, more

    def _site(self, name: str) -> _SiteDriver:
        if name not in self._sites:
            self._sites[name] = _SiteDriver(self, open_site(self.workspace, name))
        return self._sites[name]

    def _pause_s(self) -> float:
        return min((site.site.poll_s for site in self._sites.values()), default=0.5)

    async def move(self, job: JobRow, state: JobState) -> None:
        """The scheduler says that a job is somewhere else now."""
        await asyncio.to_thread(self._move, job, state)
        self.tell(JobMoved(job.id, job.token, state))

    async def end(self, job: JobRow, ending: Ending, unreadable_lines: int = 0) -> None:
        step = await asyncio.to_thread(self._endings.end_job, job.id, ending, unreadable_lines)
        cause = None if ending.cause is None else str(ending.cause)
        self.tell(JobMoved(job.id, job.token, ending.state, cause, ending.reason))
        if ending.cause == JobCause.ERROR:
            self.tell(Trouble(f"Job {job.token} ({job.engine}): {ending.reason}.", "", job.id))
        if step.next_job is None:
            self.tell(ChainEnded(job.chain_id, step.ok, step.gave_up, step.failed))

    def was_cancelled(self, job_id: int) -> bool:
        """Whether a person asked for this job's end."""
        with self.catalog.reading() as connection:
            row = connection.exec_driver_sql(
                "SELECT 1 FROM request WHERE kind = 'cancel' AND json_extract(payload, '$.job') = ?",
                (job_id,),
            ).first()
        return row is not None

    def _living(self) -> list[JobRow]:
        with self.catalog.reading() as connection:
            return living_jobs(connection)

    def _move(self, job: JobRow, state: JobState) -> None:
        with self.catalog.writing() as connection:
            started = {"started_at": now()} if state == JobState.RUNNING else {}
            move_job(connection, job.id, state, **started)

    def _cancels(self, jobs: list[JobRow]) -> set[int]:
        """Jobs somebody asked to end; requests about jobs that have ended are answered."""
        living = {job.id for job in jobs}
        with self.catalog.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT id, json_extract(payload, '$.job') FROM request"
                " WHERE state = 'asked' AND kind = 'cancel'"
            ).all()
        over = [request for request, job in rows if job not in living]
        if over:
            with self.catalog.writing() as connection:
                connection.exec_driver_sql(
                    "UPDATE request SET state = 'done', answered_at = ?, answer = 'the job has ended'"
                    " WHERE id = ?",
                    [(now(), request) for request in over],
                )
        return {int(job) for _, job in rows if job in living}


def _give_back(lease: DriverLease) -> None:
    with suppress(Busy):
        lease.give_back()
