"""A job's row as the driver carries it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.words import JOB_ENDED, JobState

_COLUMNS = "id, chain_id, stage, try_number, engine, site, token, scheduler_id, state, pages, ok, failed"


@dataclass(frozen=True)
class JobRow:
    id: int
    chain_id: int
    stage: int
    try_number: int
    engine: str
    site: str
    token: str
    scheduler_id: str | None
    state: JobState
    pages: int
    ok: int
    failed: int


def _row(values: tuple[object, ...]) -> JobRow:
    fields = list(values)
    fields[8] = JobState(str(fields[8]))
    return JobRow(*fields)  # type: ignore[arg-type]  # the columns' types are the table's


def job_row(connection: Connection, job_id: int) -> JobRow:
    """One job. It must exist."""
    row = connection.exec_driver_sql(f"SELECT {_COLUMNS} FROM job WHERE id = ?", (job_id,)).one()  # noqa: S608
    return _row(tuple(row))


def living_jobs(connection: Connection) -> list[JobRow]:
    """Jobs that have not ended, oldest first."""
    ended = ", ".join(f"'{state}'" for state in sorted(JOB_ENDED))
    rows = connection.exec_driver_sql(f"SELECT {_COLUMNS} FROM job WHERE state NOT IN ({ended}) ORDER BY id")  # noqa: S608
    return [_row(tuple(row)) for row in rows]
