"""The server's own part: jobs, their states, and what may be done to them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.pbs_double import mom, running
from tests.pbs_double.attributes import date
from tests.pbs_double.dependencies import Dependencies
from tests.pbs_double.errors import UNKNOWN_JOB, Refused, finished, unauthorized, wrong_state
from tests.pbs_double.jobs import Job
from tests.pbs_double.qsub_options import Submission, dependencies
from tests.pbs_double.settings import Settings
from tests.pbs_double.store import Store
from tests.pbs_double.submitting import allowed_queue, check_room, make_job

QUEUED, HELD, WAITING, TRANSIT = 10, 20, 30, 0
STARTING, RUNNING, EXITING = 41, 42, 51
DELETED, ENDED_WELL, ENDED_BADLY = 91, 92, 93


class Site:
    """`folder` holds everything: jobs.sqlite, settings.json, spool/, mom_priv/, runs/."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.store = Store(folder / "jobs.sqlite")
        self.jobs = self.store.jobs()
        self.links = Dependencies(self.jobs, settings.server)
        self.next = self.store.next_id(settings.first_id)
        self.schedule_at = 0.0
        """When the scheduler is to look next; infinity: when something changes."""
        self.began = time.time()
        running.after_restart(self)

    def wake_scheduler(self) -> None:
        self.schedule_at = min(self.schedule_at, time.time() + self.settings.schedule_s)

    def keep_settings(self) -> None:
        """Switches count down and must survive a kill."""
        self.settings.save(self.folder / "settings.json")

    # asking

    def find(self, seq: int) -> Job:
        """Raises Refused."""
        job = self.jobs.get(seq)
        if job is None:
            raise Refused(UNKNOWN_JOB, "Unknown Job Id")
        return job

    def _living(self, seq: int) -> Job:
        job = self.find(seq)
        if not job.live:
            raise finished() if self.settings.faults.history else Refused(UNKNOWN_JOB, "Unknown Job Id")
        return job

    def _own(self, seq: int, user: str) -> Job:
        job = self._living(seq)
        if job.user != user:
            raise unauthorized()
        return job

    # doing

    def save(self, *jobs: Job) -> None:
        for job in jobs:
            if job.seq in self.jobs:
                self.store.save(job)

    def touch(self, job: Job) -> None:
        job.mtime = time.time()
        self.save(job)

    def submit(self, asked: Submission, user: str, environment: Mapping[str, str], cwd: str) -> Job:
        """Raises Refused, Ended."""
        job = make_job(self.next, asked, user, environment, cwd, self.settings)
        queue = allowed_queue(self.settings, job.queue, user)
        check_room(self.settings, queue, user, self.jobs)
        wants = dependencies(asked.attributes["depend"]) if "depend" in asked.attributes else []
        if not job.command:
            script = self.folder / "mom_priv" / "jobs" / f"{job.id}.SC"
            script.write_bytes(asked.script)
            script.chmod(0o700)
            job.script = str(script)
        self.store.take_id(self.next)
        self.next += 1
        self.jobs[job.seq] = job
        self.evaluate(job)
        possible = self.links.tie(job, wants)
        self.save(job, *(parent for edge in job.depends if (parent := self.links.find(edge.job))))
        if not possible:
            self.remove(job)
        return job

    def evaluate(self, job: Job) -> None:
        """State and substate from holds and times; for jobs that do not run."""
        if job.holds:
            waits = "s" in job.holds and any(edge.kind.startswith("after") for edge in job.depends)
            job.state, job.substate, job.etime = "H", 22 if waits else HELD, 0.0
        elif job.execution_time > time.time():
            job.state, job.substate = "W", WAITING
        else:
            job.state, job.substate = "Q", QUEUED
            job.etime = job.etime or time.time()
            self.wake_scheduler()

    def hold(self, seq: int, user: str, kind: str = "u") -> None:
        """Raises Refused."""
        job = self._own(seq, user)
        job.holds = "".join(mark for mark in "uos" if mark in job.holds + kind)
        if kind == "u":
            job.comment = f"Job held by {user} on {date(time.time())}"
        if job.state in "QWH":
            self.evaluate(job)
        self.touch(job)

    def release(self, seq: int, user: str, kind: str = "u") -> None:
        """A hold that is not there is no error. Raises Refused."""
        job = self._own(seq, user)
        if kind in job.holds:
            job.holds = job.holds.replace(kind, "")
            job.comment = ""
        if job.state in "QWH":
            self.evaluate(job)
        self.touch(job)

    def delete(self, seq: int, user: str) -> None:
        """Raises Refused."""
        job = self._own(seq, user)
        if job.state == "E":
            raise wrong_state()
        job.deleted_by, job.terminated = job.owner, True
        if job.state in "RS":
            mom.order(running.folder(self, job), {"kill": self.settings.kill_delay(job.queue)})
            self.save(job)
            return
        if job.comment:
            job.comment += " and terminated"
        self.finish(job, DELETED)

    def signal(self, seq: int, user: str, number: int) -> None:
        """Raises Refused."""
        job = self._own(seq, user)
        if job.state != "R":
            raise wrong_state()
        mom.order(running.folder(self, job), {"signal": number})

    def shorten(self, job: Job) -> None:
        """Tells a running job its new walltime."""
        mom.order(running.folder(self, job), {"walltime": job.walltime_s})

    def forget(self, seq: int) -> None:
        """Out of the history too."""
        job = self.jobs.pop(seq, None)
        if job is not None:
            self.store.forget(seq)

    def remove(self, job: Job) -> None:
        """A job whose dependency cannot be met: it never ran, and nobody says why."""
        self.finish(job, ENDED_WELL)

    def finish(self, job: Job, substate: int) -> None:
        """To the history, or into nothing; then its dependents."""
        was_held = job.state == "H"
        job.state, job.substate = "F", substate
        job.history_time = job.mtime = time.time()
        self.save(job)
        for child in list(self.links.ended(job, was_held, self.remove)):
            self.evaluate(child)
            self.touch(child)
        self.wake_scheduler()
        if not self.settings.faults.history:
            self.forget(job.seq)

    def purge(self) -> None:
        """Forgets what has been in the history for too long."""
        oldest = time.time() - self.settings.history_s
        for job in [job for job in self.jobs.values() if not job.live and job.history_time < oldest]:
            self.forget(job.seq)

    def live_jobs(self) -> Iterable[Job]:
        return [job for job in self.jobs.values() if job.live]

    def reap(self) -> None:
        """Supervisors that have ended must not stay zombies."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
