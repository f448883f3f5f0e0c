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
from bocr_tui.catalog.transitions import move_batch, move_job, move_pages
from bocr_tui.catalog.words import BatchState, JobCause, JobState, PageState
from bocr_tui.control.jobs import JobRow, job_row
from bocr_tui.control.orders import add_job
from bocr_tui.control.pipeline import Pipeline
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.exit_report import ExitReport, load_exit_report
from bocr_worker.protocol.failures import FailureClass

_HELD = (
    "SELECT p.id, p.state, p.failure, p.accepted_attempt_id FROM reservation r"
    " JOIN page p ON p.id = r.page_id WHERE r.chain_id = ? AND r.released_at IS NULL"
)


@dataclass(frozen=True)
class Ending:
    """How a job ended, by the best source there is."""

    state: JobState
    cause: JobCause | None
    reason: str
    hopeless: bool = False
    """Trying again cannot help: the engine is not installed, say."""


@dataclass(frozen=True)
class ChainStep:
    """What became of the chain: `next_job` is the job that goes on with it, None when it has ended."""

    next_job: int | None
    ok: int = 0
    failed: int = 0
    gave_up: int = 0


def ending_of(token: str, exit_json: bytes | None, cancelled: bool, words: str) -> Ending:
    """By precedence: the exit report, our own cancel, then what the scheduler's silence means."""
    report = _report(token, exit_json)
    if cancelled and (report is None or report.outcome != "ok"):
        return Ending(JobState.CANCELLED, None, "cancelled")
    if report is None:
        reason = words or "its processes ended without a report: killed, or the machine went down"
        return Ending(JobState.FINISHED, JobCause.ERROR, reason)
    cause = JobCause(report.outcome)
    hopeless = cause == JobCause.ERROR and report.source == "worker" and report.ok + report.failed == 0
    return Ending(JobState.FINISHED, cause, report.cause, hopeless and report.cause.startswith("engine "))


def _report(token: str, exit_json: bytes | None) -> ExitReport | None:
    if exit_json is None:
        return None
    try:
        report = load_exit_report(exit_json)
    except ProtocolError:
        return None
    return report if report.token in (token, "") else None


class Endings:
    """Applies endings to the catalog."""

    def __init__(self, catalog: Catalog, job_tries: int) -> None:
        self._catalog = catalog
        self._job_tries = job_tries

    def end_job(self, job_id: int, ending: Ending, unreadable_lines: int = 0) -> ChainStep:
        """Write the job's end and decide what the chain does, in one transaction."""
        with self._catalog.writing() as connection:
            reason = ending.reason
            if unreadable_lines:
                reason = f"{reason}; {unreadable_lines} journal lines unreadable".lstrip("; ")
            move_job(
                connection, job_id, ending.state, cause=ending.cause, reason=reason[:1000], ended_at=now()
            )
            job = job_row(connection, job_id)
            said = f"{ending.cause or ending.state}" + (f": {reason}" if reason else "")
            note(connection, "job", f"Stage {job.stage + 1} ({job.engine}) ended, {said}", job_id=job.id)
            return self._decide(connection, job, ending)

    def _decide(self, connection: Connection, job: JobRow, ending: Ending) -> ChainStep:
        pipeline = self._pipeline(connection, job.chain_id)
        if ending.state in (JobState.CANCELLED, JobState.REJECTED):
            return self._end_chain(connection, job, pipeline, stopped=True)
        done = ending.cause in (JobCause.OK, JobCause.DUPLICATE)
        left = self._settle(connection, job, done)
        if left and not ending.hopeless and self._worth_another_try(connection, job):
            return ChainStep(self._add(connection, job, pipeline, job.stage, job.try_number + 1, left))
        unread = left + self._failed(connection, job.chain_id)
        if unread and job.stage + 1 < len(pipeline.stages):
            return ChainStep(self._add(connection, job, pipeline, job.stage + 1, 1, unread))
        return self._end_chain(connection, job, pipeline, stopped=False)

    def _settle(self, connection: Connection, job: JobRow, done: bool) -> int:
        """Pages without a verdict of this job: a worker that is done had nothing left to try on those that
        failed before, so they stay failed; the others are queued again. Returns how many those are."""
        rows = connection.exec_driver_sql(_HELD, (job.chain_id,)).all()
        open_rows = [row for row in rows if row[1] in (PageState.QUEUED, PageState.RUNNING)]
        settled = [row[0] for row in open_rows if done and row[2] is not None and row[1] == PageState.QUEUED]
        move_pages(connection, settled, PageState.FAILED)
        rest = [row[0] for row in open_rows if row[0] not in set(settled)]
        move_pages(connection, rest, PageState.QUEUED)
        return len(rest)

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

    def _add(
        self, connection: Connection, job: JobRow, pipeline: Pipeline, stage: int, try_number: int, pages: int
    ) -> int:
        engine = pipeline.stages[stage].engine.name
        job_id = add_job(connection, job.chain_id, job.site, stage, try_number, engine, pages)
        connection.exec_driver_sql(
            "INSERT INTO job_batch (job_id, batch_id) SELECT ?, batch_id FROM job_batch WHERE job_id = ?",
            (job_id, job.id),
        )
        return job_id

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
        return ChainStep(None, counts.get("ok", 0), counts.get("failed", 0), counts.get("gave_up", 0))

    def _last_words(self, connection: Connection, rows: Sequence[Any], stopped: bool) -> None:
        """ok again if an earlier reading stands; gave_up if the tries are spent; failed if they are not
        (a page that cannot be drawn has no tries to spend); planned again if it was never read."""
        words: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            words[_last_word(row[1], row[2], row[3], stopped)].append(row[0])
        move_pages(connection, words["ok"], PageState.OK, failure=None)
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
        for (batch_id,) in batches:
            states = _count(
                connection, "SELECT state, count(*) FROM page WHERE batch_id = ? GROUP BY state", batch_id
            )
            live = connection.exec_driver_sql(
                "SELECT 1 FROM page p JOIN reservation r ON r.page_id = p.id AND r.released_at IS NULL"
                " WHERE p.batch_id = ? LIMIT 1",
                (batch_id,),
            ).first()
            if live is not None:
                continue
            target = BatchState.DONE
            if states.get("failed"):
                target = BatchState.ATTENTION
            elif states.get("planned"):
                target = BatchState.PLANNED
            move_batch(connection, batch_id, target)

    def _pipeline(self, connection: Connection, chain_id: int) -> Pipeline:
        (record,) = connection.exec_driver_sql("SELECT pipeline FROM chain WHERE id = ?", (chain_id,)).one()
        return Pipeline.load(json.loads(record))


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
