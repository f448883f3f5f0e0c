"""When a job has ended: its final state, what becomes of its pages, and what the chain does next.

Everything here is one transaction a decision; a driver that dies between two of them is followed by one
that finds the same facts and decides the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import move_job, move_pages
from bocr_tui.catalog.words import JobCause, JobState, PageState
from bocr_tui.control.batch_standing import settle_batches
from bocr_tui.control.jobs import JobRow, chain_jobs, job_row
from bocr_tui.control.judging import CANCEL, Ending
from bocr_tui.control.orders import add_round
from bocr_tui.control.pipeline import SPLIT, Pipeline
from bocr_tui.control.requests import ask_jobs
from bocr_worker.protocol.failures import FailureClass

_COUNT_ONCE = (
    "UPDATE job SET ok = (SELECT count(DISTINCT page_id) FROM attempt WHERE job_id = ? AND outcome = 'ok')"
    " WHERE id = ?"
)
"""A job that was started twice may have read a page twice: both are kept, and it counts once."""

_OPEN = frozenset({PageState.PLANNED, PageState.QUEUED, PageState.RUNNING})
"""Held by a chain and without a verdict; planned while its job was not accepted."""

_HELD = (
    "SELECT p.id, p.state, p.failure, p.accepted_attempt_id FROM reservation r"
    " JOIN page p ON p.id = r.page_id WHERE r.chain_id = ? AND r.released_at IS NULL"
)

_AS_READ_BEFORE = (
    "UPDATE page SET (engine, confidence, score) ="
    " (SELECT engine, confidence_mean, score FROM attempt WHERE id = page.accepted_attempt_id) WHERE id = ?"
)
"""A reading that failed left its own figures on a page whose earlier text stands."""


@dataclass(frozen=True)
class ChainStep:
    """What became of the chain: `next_jobs` go on with it, empty when it has ended or others of its jobs
    still live (`waits`)."""

    next_jobs: tuple[int, ...] = ()
    waits: bool = False
    ok: int = 0
    failed: int = 0
    gave_up: int = 0


class Endings:
    """Applies endings to the catalog."""

    def __init__(self, catalog: Catalog, job_tries: int) -> None:
        self._catalog = catalog
        self._job_tries = job_tries

    def end_job(self, job_id: int, ending: Ending, unreadable_lines: int = 0) -> ChainStep:
        """Write the job's end and decide what the chain does, in one transaction. Of a job that was taken for
        lost the chain has taken leave already."""
        with self._catalog.writing() as connection:
            late = job_row(connection, job_id).ended
            reason = ending.reason
            if unreadable_lines:
                reason = f"{reason}; {unreadable_lines} journal lines unreadable".lstrip("; ")
            move_job(
                connection,
                job_id,
                ending.state,
                cause=ending.cause,
                reason=reason[:1000],
                exit_status=ending.exit_status,
                ended_at=now(),
            )
            connection.exec_driver_sql(_COUNT_ONCE, (job_id, job_id))
            job = job_row(connection, job_id)
            said = f"{ending.cause or ending.state}" + (f": {reason}" if reason else "")
            note(connection, "job", f"Stage {job.stage + 1} ({job.engine}) ended, {said}", job_id=job.id)
            return ChainStep(waits=True) if late else self._decide(connection, job)

    def _decide(self, connection: Connection, job: JobRow) -> ChainStep:
        """The last of a round's jobs decides what the chain does; one that a person stopped ends those that
        wait for it."""
        self._settle(connection, job)
        if job.scheduler_id is None:
            self._drop_dependents(connection, job)
        jobs = chain_jobs(connection, job.chain_id)
        living = [other for other in jobs if not other.ended]
        if living:
            if _stops_chain(job):
                every = job.state == JobState.REJECTED
                doomed = [other.id for other in living if every or other.stage > job.stage]
                ask_jobs(connection, CANCEL, doomed)
            return ChainStep(waits=True)
        this_round = [other for other in jobs if other.round == job.round]
        pipeline = self._pipeline(connection, job.chain_id)
        if any(_stops_chain(other) for other in this_round):
            return self._end_chain(connection, job, pipeline, stopped=True)
        stage = self._next_stage(connection, this_round, pipeline)
        if stage is None:
            return self._end_chain(connection, job, pipeline, stopped=False)
        return ChainStep(self._add_round(connection, job, pipeline, stage))

    def _drop_dependents(self, connection: Connection, job: JobRow) -> None:
        """Jobs meant to wait for one that never was the scheduler's cannot be submitted."""
        for other in chain_jobs(connection, job.chain_id):
            later = other.round == job.round and other.stage > job.stage
            if later and other.state in (JobState.PLANNED, JobState.STAGED):
                reason = "the job before it was never submitted"
                columns = {"cause": JobCause.NEVER_RAN, "reason": reason, "ended_at": now()}
                move_job(connection, other.id, JobState.FINISHED, **columns)

    def _next_stage(
        self, connection: Connection, this_round: Sequence[JobRow], pipeline: Pipeline
    ) -> int | None:
        """Where the chain goes on: a stage that left pages, while trying again can help; then the one after;
        None when nothing is left to do or nobody to do it."""
        chain_id = this_round[0].chain_id
        unread, failed = self._unread(connection, chain_id), self._failed(connection, chain_id)
        readers = [job for job in this_round if job.engine != SPLIT]
        if not readers:
            return this_round[-1].stage + 1
        for job in readers:
            todo = unread if job is readers[0] and job.scheduler_id else failed
            if job.scheduler_id is None:
                todo = unread + failed
            if todo and not job.done and not job.hopeless and self._worth_another_try(connection, job):
                return job.stage
        if unread and readers[0].stage + 1 < len(pipeline.stages):
            return readers[0].stage + 1
        if failed and readers[-1].stage + 1 < len(pipeline.stages):
            return readers[-1].stage + 1
        return None

    def _settle(self, connection: Connection, job: JobRow) -> None:
        """Pages without a verdict of this job: a worker that is done had nothing left to try on those that
        failed before, so they stay failed; the others are queued again."""
        rows = connection.exec_driver_sql(_HELD, (job.chain_id,)).all()
        open_rows = [row for row in rows if row[1] in (PageState.QUEUED, PageState.RUNNING)]
        spent = job.done and job.engine != SPLIT
        settled = [row[0] for row in open_rows if spent and row[2] is not None and row[1] == PageState.QUEUED]
        move_pages(connection, settled, PageState.FAILED)
        move_pages(connection, [row[0] for row in open_rows if row[0] not in set(settled)], PageState.QUEUED)

    def _unread(self, connection: Connection, chain_id: int) -> int:
        rows = connection.exec_driver_sql(_HELD, (chain_id,)).all()
        return sum(1 for row in rows if row[1] in _OPEN)

    def _failed(self, connection: Connection, chain_id: int) -> int:
        rows = connection.exec_driver_sql(_HELD, (chain_id,)).all()
        return sum(1 for row in rows if row[1] == PageState.FAILED)

    def _worth_another_try(self, connection: Connection, job: JobRow) -> bool:
        """A try that brought at least one page further is always followed by another; of those that did
        not, only so many in a row."""
        rows = connection.exec_driver_sql(
            "SELECT ok + failed FROM job WHERE chain_id = ? AND stage = ? ORDER BY try_number DESC LIMIT ?",
            (job.chain_id, job.stage, self._job_tries),
        ).all()
        return any(progress > 0 for (progress,) in rows) or len(rows) < self._job_tries

    def _add_round(
        self, connection: Connection, job: JobRow, pipeline: Pipeline, stage: int
    ) -> tuple[int, ...]:
        pages = self._unread(connection, job.chain_id) + self._failed(connection, job.chain_id)
        job_ids = add_round(connection, job.chain_id, job.site, pipeline, stage, pages)
        connection.exec_driver_sql(
            "INSERT INTO job_batch (job_id, batch_id) SELECT ?, batch_id FROM job_batch WHERE job_id = ?",
            [(job_id, job.id) for job_id in job_ids],
        )
        return tuple(job_ids)

    def _end_chain(
        self, connection: Connection, job: JobRow, pipeline: Pipeline, *, stopped: bool
    ) -> ChainStep:
        """Give every page its last word for now, release them, and say how the batches stand."""
        rows = connection.exec_driver_sql(_HELD, (job.chain_id,)).all()
        self._last_words(connection, rows, stopped)
        stamp = now()
        connection.exec_driver_sql(
            "UPDATE reservation SET released_at = ? WHERE chain_id = ? AND released_at IS NULL",
            (stamp, job.chain_id),
        )
        connection.exec_driver_sql(
            "UPDATE chain SET state = ?, ended_at = ? WHERE id = ?",
            ("stopped" if stopped else "done", stamp, job.chain_id),
        )
        self._settle_batches(connection, job.chain_id)
        counts = _count(
            connection,
            "SELECT p.state, count(*) FROM reservation r JOIN page p ON p.id = r.page_id"
            " WHERE r.chain_id = ? GROUP BY p.state",
            job.chain_id,
        )
        return ChainStep(
            ok=counts.get("ok", 0), failed=counts.get("failed", 0), gave_up=counts.get("gave_up", 0)
        )

    def _last_words(self, connection: Connection, rows: Sequence[Any], stopped: bool) -> None:
        """ok again if an earlier reading stands; gave_up if the tries are spent; failed if they are not
        (a page that cannot be drawn has no tries to spend); planned again if it was never read."""
        words: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            words[_last_word(row[1], row[2], row[3], stopped)].append(row[0])
        move_pages(connection, words["ok"], PageState.OK, failure=None)
        if words["ok"]:
            connection.exec_driver_sql(_AS_READ_BEFORE, [(page_id,) for page_id in words["ok"]])
        move_pages(connection, words["gave_up"], PageState.GAVE_UP)
        move_pages(connection, words["planned"], PageState.PLANNED)
        move_pages(connection, words["failed"], PageState.FAILED)
        move_pages(connection, words["unread"], PageState.FAILED, failure=str(FailureClass.TRANSPORT))

    def _settle_batches(self, connection: Connection, chain_id: int) -> None:
        batches = connection.exec_driver_sql(
            "SELECT DISTINCT jb.batch_id FROM job_batch jb JOIN job j ON j.id = jb.job_id"
            " WHERE j.chain_id = ?",
            (chain_id,),
        ).all()
        settle_batches(connection, [batch_id for (batch_id,) in batches])

    def _pipeline(self, connection: Connection, chain_id: int) -> Pipeline:
        (record,) = connection.exec_driver_sql("SELECT pipeline FROM chain WHERE id = ?", (chain_id,)).one()
        return Pipeline.load(json.loads(record))


def _stops_chain(job: JobRow) -> bool:
    """Somebody said that this work is not to be done: us, a person with qdel, or the scheduler for good."""
    return job.state in (JobState.CANCELLED, JobState.REJECTED) or job.cause == JobCause.DELETED


def _count(connection: Connection, statement: str, number: int) -> dict[str, int]:
    """A grouped count as a dictionary."""
    return {str(row[0]): int(row[1]) for row in connection.exec_driver_sql(statement, (number,))}


def _last_word(state: object, failure: object, accepted: object, stopped: bool) -> str:
    if state in (PageState.OK, PageState.IGNORED):
        return "settled"
    if accepted is not None:
        return "ok"
    if state == PageState.FAILED:
        return "failed" if stopped or failure == FailureClass.RENDER else "gave_up"
    if failure is not None:
        return "failed"
    return "planned" if stopped else "unread"
