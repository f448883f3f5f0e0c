"""A job's row as the driver carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection

from bocr_tui.catalog.words import JOB_ENDED, JobCause, JobState


@dataclass(frozen=True)
class JobRow:
    """The columns that decisions rest on."""

    id: int
    chain_id: int
    stage: int
    try_number: int
    round: int
    engine: str
    site: str
    token: str
    scheduler_id: str | None
    asks: int
    state: JobState
    cause: JobCause | None
    reason: str
    pages: int
    ok: int
    failed: int
    freed_at: float | None

    @property
    def ended(self) -> bool:
        return self.state in JOB_ENDED

    @property
    def done(self) -> bool:
        """It had a verdict for every page it took."""
        return self.cause in (JobCause.OK, JobCause.DUPLICATE)

    @property
    def hopeless(self) -> bool:
        """Trying again cannot help: the engine is not installed, say."""
        return (
            self.cause == JobCause.ERROR and not self.ok + self.failed and self.reason.startswith("engine ")
        )


_COLUMNS = ", ".join(field.name for field in fields(JobRow))
_ENDED = ", ".join(f"'{state}'" for state in sorted(JOB_ENDED))


def _row(values: Sequence[object]) -> JobRow:
    named = dict(zip((field.name for field in fields(JobRow)), values, strict=True))
    named["state"] = JobState(str(named["state"]))
    named["cause"] = JobCause(str(named["cause"])) if named["cause"] else None
    return JobRow(**named)  # type: ignore[arg-type]  # the columns' types are the table's


def job_row(connection: Connection, job_id: int) -> JobRow:
    """One job. It must exist."""
    row = connection.exec_driver_sql(f"SELECT {_COLUMNS} FROM job WHERE id = ?", (job_id,)).one()  # noqa: S608
    return _row(row)


def living_jobs(connection: Connection, site: str | None = None) -> list[JobRow]:
    """Jobs that have not ended, oldest first; of one site, or of all."""
    rows = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM job WHERE state NOT IN ({_ENDED})"  # noqa: S608
        " AND (? IS NULL OR site = ?) ORDER BY id",
        (site, site),
    )
    return [_row(row) for row in rows]


def chain_jobs(connection: Connection, chain_id: int) -> list[JobRow]:
    """Every job of a chain, oldest first."""
    rows = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM job WHERE chain_id = ? ORDER BY id",  # noqa: S608
        (chain_id,),
    )
    return [_row(row) for row in rows]


def lost_jobs(connection: Connection, site: str, ended_after: float) -> list[JobRow]:
    """Jobs given up as lost since then, whose exit report may still turn up."""
    rows = connection.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM job WHERE state = 'lost' AND site = ? AND ended_at > ? ORDER BY id",  # noqa: S608
        (site, ended_after),
    )
    return [_row(row) for row in rows]
