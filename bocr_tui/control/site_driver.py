"""What the driver does on one site: ask, carry out, submit, follow, and judge.

Journals are read often and the scheduler is asked seldom, on one connection and independently: a scheduler
that hangs does not keep pages from coming in. What is remembered between two ticks are times and the last
view; the catalog holds everything else.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import to_thread
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.words import JobCause, JobState
from bocr_tui.config.errors import ConfigError, SiteError
from bocr_tui.config.workspace import Workspace
from bocr_tui.control.carrying import Books, Carrier
from bocr_tui.control.events import SiteMoved, Trouble
from bocr_tui.control.following import FollowedRun, Follower
from bocr_tui.control.jobs import JobRow, living_jobs, lost_jobs
from bocr_tui.control.judging import (
    CANCEL,
    ending_of,
    report_of,
    short_journals,
    without_folder,
    without_journals,
)
from bocr_tui.control.logs import JOB_LOG, PBS_LOG
from bocr_tui.control.requests import (
    JobRequest,
    answer_requests,
    is_paused,
    job_requests,
    last_wish,
    resumes_asked,
    watched_logs,
)
from bocr_tui.control.silence import Silence
from bocr_tui.control.site_lease import SiteLease
from bocr_tui.control.site_status import Standing
from bocr_tui.control.site_submission import SiteSubmission
from bocr_tui.control.submitting import ON_SITE
from bocr_tui.sites.scheduler.base import JobView, Look
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import Link, NeedsPerson, TransportLost

ORDERS_EVERY_S = 1.0
"""How often the catalog is looked at for new orders; the site is not touched for that."""

LOOK_MOMENT_S = 0.5
"""How long a tick waits for the scheduler's answer before it goes on without."""

ACTED_S = 2.0
"""After a person's order the scheduler is asked so soon, however seldom it is asked otherwise."""

NEVER_STARTED_S = 15.0
"""A job that was never seen to start and is over leaves no report: it is waited for no longer than this."""

GONE_S = 20.0
"""After its exit report, a job that its scheduler still calls running has this long at least to be gone."""

LOST_REVISITED_S, LOST_SOUGHT_ONCE_S = 24 * 3600.0, 30 * 24 * 3600.0
"""How long after a job was taken for lost its report is still looked for; and once by each driver, since
nobody may have looked for days."""


@dataclass(frozen=True)
class _Orders:
    """What the catalog asks of a site at one moment."""

    jobs: list[JobRow]
    requests: list[JobRequest]
    watched: set[int]
    paused: bool
    resumes: list[int]


class SiteDriver:
    """Runs until cancelled. What a site does wrong is told and tried again; the rest is raised."""

    def __init__(self, workspace: Workspace, catalog: Catalog, site: Site, books: Books) -> None:
        self.site = site
        self._catalog = catalog
        self._books = books
        self._standing = Standing()
        self._lease = SiteLease(catalog, site)
        self._submission = SiteSubmission(catalog, site, books)
        self._follower = Follower(catalog, site, workspace.results, books.tell)
        self._views: dict[str, JobView] = {}
        self._look: asyncio.Task[Look] | None = None
        self._look_pause_s = site.look_s
        self._look_at = 0.0
        self._poll_at = 0.0
        self._gone_since: dict[int, float] = {}
        self._lacking_since: dict[int, float] = {}
        self._ended_well: list[JobRow] = []
        self._unread: set[int] = set()
        self._unknown: dict[int, Silence] = {}
        self._carrier = Carrier(catalog, site, books, self._look_now)

    async def close(self) -> None:
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)
        await self._submission.close()
        if self.site.transport.link == Link.CONNECTED:
            await self._lease.leave()
        await self.site.transport.close()
        self._standing.move("closed")
        await to_thread(self._standing.write, self._catalog, self.site.name, now_please=True)

    async def tick(self) -> float:
        """Do what is due; returns after how many seconds something is due again."""
        orders = await to_thread(self._orders)
        if orders.resumes:
            self._standing.try_now()
            self._submission.try_now()
        await self._submission.upload(on=not orders.paused and bool(orders.jobs))
        if orders.paused:
            self._say_link("paused", "A person paused it.")
            return ORDERS_EVERY_S
        wanted = orders.jobs or orders.requests or orders.resumes
        if self._standing.waits or not wanted:
            return min(ORDERS_EVERY_S, self.site.poll_s)
        try:
            await self._resume(orders.resumes)
            more = await self._work(orders)
        except (NeedsPerson, ConfigError) as error:
            self._standing.needs_person = True
            self._say_link("paused", f"{error.cause} {error.next_step}".strip())
            return ORDERS_EVERY_S
        except SiteError as error:
            pause = self._standing.failed(error)
            self._books.tell(Trouble(f"{self.site.name}: {error.cause}", f"Tried again in {pause:g} s."))
            self._say_link("waiting", self._standing.reason)
            return min(ORDERS_EVERY_S, pause)
        self._standing.worked(str(self.site.transport.link), self._submission.problem)
        await to_thread(self._standing.write, self._catalog, self.site.name)
        return 0.0 if more else min(ORDERS_EVERY_S, self.site.poll_s)

    def _say_link(self, link: str, reason: str) -> None:
        if self._standing.move(link, reason):
            self._books.tell(SiteMoved(self.site.name, link, reason))
        self._standing.write(self._catalog, self.site.name)

    async def _resume(self, request_ids: list[int]) -> None:
        """A person asks for another try: that is answered by trying, whatever comes of it."""
        if request_ids:
            await to_thread(self._answer, request_ids, "tried again")
            await self.site.transport.resume()

    async def _work(self, orders: _Orders) -> bool:
        await self._lease.renew()
        await self._carrier.carry_out(orders.jobs, orders.requests)
        on_site = [job for job in orders.jobs if job.state in ON_SITE]
        if await self._ask_scheduler(on_site):
            orders = await to_thread(self._orders)
            on_site = [job for job in orders.jobs if job.state in ON_SITE]
        more = await self._follow(on_site, orders)
        if more:
            return True
        cancelled = {request.job_id for request in orders.requests if request.kind == CANCEL}
        living = [job for job in orders.jobs if job.id not in cancelled]
        await self._lease.renew()  # what came before may have taken long, and this machine may have slept
        more = await self._submission.advance(living, followed=bool(on_site))
        if more:
            self._look_soon()
        return more

    # -- the scheduler ----------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        """Something changed: do not wait for the long pause of a quiet site."""
        self._look_pause_s = self.site.look_s
        self._look_at = min(self._look_at, time.monotonic() + self.site.look_s)

    def _look_now(self) -> None:
        """A person had something done to a job and waits to see it."""
        self._look_pause_s = self.site.look_s
        self._look_at = min(self._look_at, time.monotonic() + min(ACTED_S, self.site.look_s))

    async def _ask_scheduler(self, jobs: Sequence[JobRow]) -> bool:
        """Begin a look when one is due, and take one that has come back. Returns whether jobs moved."""
        if self._look is None and jobs and time.monotonic() >= self._look_at:
            ids = {job.token: job.scheduler_id for job in jobs if job.scheduler_id}
            self._look = asyncio.create_task(self.site.scheduler.look(ids))
        if self._look is None:
            return False
        await asyncio.wait({self._look}, timeout=LOOK_MOMENT_S)
        if not self._look.done():
            return False
        done, self._look = self._look, None
        self._look_at = time.monotonic() + self._look_pause_s
        look = done.result()
        if look.problem and look.problem != self._standing.look_problem:
            self._books.tell(Trouble(f"The scheduler of {self.site.name}: {look.problem.rstrip('.')}."))
        self._standing.look_problem = look.problem
        if not look.problem:
            self._standing.looked_at = now()
        elif not look.views:
            return False
        return await self._take_views(jobs, look)

    async def _take_views(self, jobs: Sequence[JobRow], look: Look) -> bool:
        moved = changed = False
        for job in jobs:
            view = look.views.get(job.token)
            if view is None:
                continue
            changed = changed or self._views.get(job.token) != view
            self._views[job.token] = view
            if view.state == "unknown":
                self._unknown.setdefault(job.id, Silence()).seen()
            else:
                self._unknown.pop(job.id, None)
            if view.state in ("held", "queued", "running"):
                moved = await self._show(job, view) or moved
        pause = self.site.look_s if changed else min(self._look_pause_s * 2, self.site.look_most_s)
        self._look_pause_s = pause
        self._look_at = time.monotonic() + pause
        return moved

    async def _show(self, job: JobRow, view: JobView) -> bool:
        """The scheduler's word on a living job, in its row."""
        if view.state == job.state and (view.words == job.reason or view.state == "running"):
            return False
        await to_thread(self._write_words, job, view.words if view.state != "running" else "")
        if view.state == job.state:
            return False
        await self._books.move(job, JobState(view.state))
        return True

    def _write_words(self, job: JobRow, words: str) -> None:
        with self._catalog.writing() as connection:
            connection.exec_driver_sql("UPDATE job SET reason = ? WHERE id = ?", (words[:1000], job.id))

    # -- journals and ends ------------------------------------------------------------------------------

    async def _follow(self, on_site: Sequence[JobRow], orders: _Orders) -> bool:
        if time.monotonic() < self._poll_at:
            return False
        lost = await to_thread(self._lost)
        runs = await self._follower.follow([*on_site, *lost], orders.watched)
        self._standing.polled_at = now()
        self._tell_unread(runs)
        more = False
        self._ended_well = []
        for run in runs:
            if run.job.state == JobState.LOST:
                await self._judge_lost(run)
            else:
                more = await self._judge(run) or more
        # Many may end while nobody looks. Their logs are good to have, and nothing waits for them.
        with suppress(TransportLost):
            await self._follower.fetch_logs(self._ended_well, (JOB_LOG,))
        self._poll_at = time.monotonic() + (0.0 if more else self.site.poll_s)
        return more

    def _tell_unread(self, runs: Sequence[FollowedRun]) -> None:
        """Once for all of them: where one folder is gone, it is often all of them."""
        found = {run.job.id: run for run in runs if run.unread and run.job.state != JobState.LOST}
        if found.keys() - self._unread:
            first = next(iter(found.values()))
            others = f" So it is with {len(found) - 1:,} more." if len(found) > 1 else ""
            words = f"Job {first.job.token} on {self.site.name}: {first.unread}.{others}"
            self._books.tell(Trouble(words, "See that the site's root is right and its disk is there."))
        self._unread = set(found)

    async def _judge(self, run: FollowedRun) -> bool:
        """Has this job ended? Then close its books. Returns whether to go on at once."""
        job, view = run.job, self._views.get(run.job.token)
        if run.behind:
            return True
        if run.grew:
            self._unknown.pop(job.id, None)
        lacking = short_journals(report_of(job.token, run.exit), run.journal_bytes)
        if not self._has_ended(run, view) or ((lacking or run.unread) and self._waits_for_files(job)):
            return False
        unreadable = await self._follower.close_books(run, lacking)
        wish = await to_thread(self._wish, job.id)
        ending = ending_of(job.token, run.exit, await self._with_cause(run, view), wish)
        if lacking:
            ending = without_journals(ending)
        if run.unread:
            ending = without_folder(ending, run.unread)
        if ending.cause not in ("ok", None) or ending.state == JobState.LOST:
            await self._follower.fetch_logs([job])
        else:
            self._ended_well.append(job)
        if ending.state == JobState.LOST and view is not None and view.moved_to:
            # Should a third server start it after all, it finds its stop file and reads nothing.
            await self.site.scheduler.stop(job.token, job.scheduler_id, force=False)
        await self._books.end(job, ending, unreadable)
        self._carrier.forget(job.id)
        for memory in (self._gone_since, self._lacking_since, self._unknown):
            memory.pop(job.id, None)
        self._views.pop(job.token, None)
        return True

    async def _with_cause(self, run: FollowedRun, view: JobView | None) -> JobView | None:
        """The scheduler's word, with the cause that it wrote into the job's output where it does not say one
        when it is asked."""
        report = report_of(run.job.token, run.exit)
        well = report is not None and report.outcome in (JobCause.OK, JobCause.DUPLICATE)
        known = view is not None and view.cause not in (None, JobCause.ERROR)
        if well or known or run.unread or not self.site.scheduler.chains:
            return view
        said = self.site.scheduler.cause_in_log(await self._follower.log_tail(run.job, PBS_LOG))
        if said is None:
            return view
        return JobView("ended", *said, view.exit_status if view is not None else None)

    def _waits_for_files(self, job: JobRow) -> bool:
        since = self._lacking_since.setdefault(job.id, time.monotonic())
        return time.monotonic() - since < self.site.patience.ended_s

    def _has_ended(self, run: FollowedRun, view: JobView | None) -> bool:
        """The job's own report, the scheduler's final word, or the scheduler's silence for long enough."""
        job, patience = run.job, self.site.patience
        report = report_of(job.token, run.exit)
        if report is not None:
            if view is not None and view.state in ("ended", "unknown"):
                return True
            # Its last word is written, its process not yet gone; or the scheduler was not asked since.
            if report.outcome == "ok" and self.site.scheduler.chains:
                return True
            if view is None or view.state != "running" or self._carrier.is_stopping(job.id):
                since = self._gone_since.setdefault(job.id, time.monotonic())
                self._look_soon()
                return time.monotonic() - since >= patience.report_s
            self._look_soon()
            since = self._gone_since.setdefault(job.id, time.monotonic())
            return time.monotonic() - since >= max(GONE_S, 4 * patience.report_s)
        if view is not None and view.state == "ended":
            since = self._gone_since.setdefault(job.id, time.monotonic())
            started = job.state == JobState.RUNNING or bool(run.journals)
            wait_s = patience.ended_s if started else min(NEVER_STARTED_S, patience.ended_s)
            return view.cause == "never_ran" or time.monotonic() - since >= wait_s
        self._gone_since.pop(job.id, None)
        unknown = self._unknown.get(job.id)
        after_s = patience.moved_s if view is not None and view.moved_to else patience.unknown_s
        return unknown is not None and unknown.certain(after_s, patience.unknown_apart_s)

    async def _judge_lost(self, run: FollowedRun) -> None:
        """A job taken for lost whose report turned up late is believed; its chain went on already."""
        report = report_of(run.job.token, run.exit)
        if run.behind or report is None:
            return
        unreadable = await self._follower.close_books(run)
        await self._books.end(run.job, ending_of(run.job.token, run.exit, None, None), unreadable)

    # -- the catalog, in a thread -----------------------------------------------------------------------

    def _orders(self) -> _Orders:
        with self._catalog.reading() as connection:
            jobs = living_jobs(connection, self.site.name)
            asked = job_requests(connection)
            watched = watched_logs(connection)
            paused = is_paused(connection, self.site.name)
            resumes = resumes_asked(connection, self.site.name)
        living = {job.id for job in jobs}
        return _Orders(jobs, [one for one in asked if one.job_id in living], watched, paused, resumes)

    def _lost(self) -> list[JobRow]:
        with self._catalog.reading() as connection:
            since_s = LOST_REVISITED_S if self._standing.polled_at else LOST_SOUGHT_ONCE_S
            return lost_jobs(connection, self.site.name, now() - since_s)

    def _wish(self, job_id: int) -> str | None:
        with self._catalog.reading() as connection:
            return last_wish(connection, job_id)

    def _answer(self, request_ids: list[int], answer: str) -> None:
        with self._catalog.writing() as connection:
            answer_requests(connection, request_ids, answer)
