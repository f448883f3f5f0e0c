"""The driver: takes every job from planned to ended, and every chain from stage to stage.

It keeps no state of its own that matters: each tick asks the catalog what there is to do, so that starting
after a crash is a tick like any other. Each site has a loop of its own, so that one that hangs delays no
other. It has no user interface; listeners get typed events, and questions that only a person can answer go
to an asker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.exc import OperationalError

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.transitions import move_job
from bocr_tui.catalog.words import JobCause, JobState
from bocr_tui.config.errors import Busy
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.autopilot import Autopilot
from bocr_tui.control.ending import Endings
from bocr_tui.control.events import ChainEnded, ControlEvent, DriverState, JobMoved, Trouble
from bocr_tui.control.far_pages import PageErrands
from bocr_tui.control.jobs import JobRow, living_jobs
from bocr_tui.control.judging import Ending
from bocr_tui.control.lease import DriverLease
from bocr_tui.control.removed_sites import RemovedSites
from bocr_tui.control.requests import answer_requests, job_requests
from bocr_tui.control.site_driver import SiteDriver
from bocr_tui.sites.asking import Asker, ask_nobody
from bocr_tui.sites.site import Site, open_site

CATALOG_RETRY_S = 2.0
"""Pause after the catalog refused a transaction: locked for longer than a writer waits, or no space."""

ROUND_S = 0.4
"""Between two looks for jobs on sites that are not driven yet, and for the end of all work."""


class Driver:
    """One per workspace at a time. `on_event` is called on the loop that runs `run`."""

    def __init__(
        self,
        workspace: Workspace,
        catalog: Catalog,
        *,
        on_event: Callable[[ControlEvent], None] | None = None,
        asker: Asker = ask_nobody,
    ) -> None:
        self.workspace = workspace
        self.catalog = catalog
        self._on_event = on_event
        self._asker = asker
        self._sites: dict[str, SiteDriver] = {}
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._endings = Endings(catalog, workspace.config.limits.job_tries)
        self._autopilot = Autopilot(catalog, workspace.config, self.tell)
        self._removed = RemovedSites(catalog, self.tell)

    def tell(self, event: ControlEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)

    async def run(self, *, until_idle: bool, stop: asyncio.Event) -> None:
        """Drive until `stop` is set, or with `until_idle` until nothing is left to do.

        Jobs on a site are not stopped: they go on, and the next driver finds them. Jobs of a site that is
        not configured any more keep nobody waiting. Raises Busy when another driver holds the lease.
        """
        lease = DriverLease(self.catalog)
        await asyncio.to_thread(lease.take)
        self.tell(DriverState("driving"))
        errands = asyncio.create_task(self._run_errands())
        try:
            while not stop.is_set():
                try:
                    busy = await self._round(lease)
                except OperationalError as error:
                    await self._catalog_trouble(error)
                    continue
                if not busy and until_idle:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), ROUND_S)
        finally:
            errands.cancel()
            await asyncio.gather(errands, return_exceptions=True)
            await self._close()
            await asyncio.shield(asyncio.to_thread(_give_back, lease))
            self.tell(DriverState("stopped"))

    async def _round(self, lease: DriverLease) -> bool:
        """Keep the lease, start what sites need, let the autopilot think. Returns whether anything is left
        to do. Raises what a site's loop raised."""
        await asyncio.to_thread(lease.renew)
        for loop in self._loops.values():
            if loop.done():
                loop.result()
        fed = await asyncio.to_thread(self._autopilot.think)
        jobs = await asyncio.to_thread(self._tidy)
        names = dict.fromkeys(job.site for job in jobs)
        known = [name for name in names if name in self._sites or name in self.workspace.config.sites]
        await self._removed.show(names.keys() - known)
        for name in known:
            await self._site_named(name)
        return bool(known) or fed

    async def _site_named(self, name: str) -> Site:
        """The one connection to a site, which its loop and errands share."""
        if name not in self._sites:
            site = open_site(self.workspace, name, self._asker)
            self._sites[name] = SiteDriver(self.workspace, self.catalog, site, self)
            self._loops[name] = asyncio.create_task(self._drive(self._sites[name]), name=f"site {name}")
        return self._sites[name].site

    async def _run_errands(self) -> None:
        """What people look at meanwhile."""
        errands = PageErrands(self.workspace, self.catalog, self._site_named)
        while True:
            try:
                found = await errands.step()
            except OperationalError as error:
                await self._catalog_trouble(error)
                continue
            if not found:
                await asyncio.sleep(ROUND_S)

    async def _drive(self, site: SiteDriver) -> None:
        while True:
            try:
                pause = await site.tick()
            except OperationalError as error:
                await self._catalog_trouble(error)
                continue
            await asyncio.sleep(pause)

    async def _catalog_trouble(self, error: OperationalError) -> None:
        """Another writer takes long, or the disk is full: nothing was changed, and it may pass."""
        words = f"The catalog cannot be written now: {error.orig}."
        self.tell(Trouble(words, f"Tried again in {CATALOG_RETRY_S:g} s."))
        await asyncio.sleep(CATALOG_RETRY_S)

    async def _close(self) -> None:
        for loop in self._loops.values():
            loop.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)
        for site in self._sites.values():
            with suppress(OperationalError):
                await site.close()

    async def move(self, job: JobRow, state: JobState) -> None:
        """The scheduler says that a job is somewhere else now."""
        await asyncio.to_thread(self._move, job, state)
        self.tell(JobMoved(job.id, job.token, state))

    async def end(self, job: JobRow, ending: Ending, unreadable_lines: int = 0) -> None:
        step = await asyncio.to_thread(self._endings.end_job, job.id, ending, unreadable_lines)
        cause = None if ending.cause is None else str(ending.cause)
        self.tell(JobMoved(job.id, job.token, ending.state, cause, ending.reason))
        if ending.cause == JobCause.ERROR or ending.state in (JobState.LOST, JobState.REJECTED):
            said = ending.reason or str(ending.cause or ending.state)
            self.tell(Trouble(f"Job {job.token} ({job.engine}): {said.rstrip('.')}.", "", job.id))
        if not step.next_jobs and not step.waits:
            self.tell(ChainEnded(job.chain_id, step.ok, step.gave_up, step.failed))

    def _move(self, job: JobRow, state: JobState) -> None:
        with self.catalog.writing() as connection:
            started = {"started_at": now()} if state == JobState.RUNNING else {}
            move_job(connection, job.id, state, **started)

    def _tidy(self) -> list[JobRow]:
        """Living jobs; requests about jobs that have ended are answered."""
        with self.catalog.reading() as connection:
            jobs = living_jobs(connection)
            asked = job_requests(connection)
        living = {job.id for job in jobs}
        over = [one.id for one in asked if one.job_id not in living]
        if over:
            with self.catalog.writing() as connection:
                answer_requests(connection, over, "the job has ended")
        return jobs


def _give_back(lease: DriverLease) -> None:
    with suppress(Busy):
        lease.give_back()
