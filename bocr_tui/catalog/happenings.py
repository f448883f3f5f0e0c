"""The timeline with what each event is of: its job, batch and site."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bocr_tui.catalog.list_fetch import fetch
from bocr_tui.catalog.lists import Reader

MOST_EVENTS = 2000
"""Read at once, newest first: several days of a busy campaign, and a few milliseconds."""

_EVENTS = """
SELECT e.id, e.at, e.kind, e.text, e.job_id, j.token, coalesce(j.site, ''), coalesce(j.engine, ''),
       coalesce(e.batch_id, (SELECT min(batch_id) FROM job_batch b WHERE b.job_id = e.job_id)),
       e.document_id
FROM event AS e LEFT JOIN job AS j ON j.id = e.job_id
"""


@dataclass(frozen=True)
class Event:
    """One event. `site` is its job's, empty where it has none."""

    id: int
    at: float
    kind: str
    text: str
    job_id: int | None = None
    token: str | None = None
    site: str = ""
    engine: str = ""
    batch_id: int | None = None
    document_id: int | None = None


def events_of(
    reader: Reader,
    *,
    site: str | None = None,
    job_id: int | None = None,
    since: float = 0.0,
    limit: int = MOST_EVENTS,
) -> list[Event]:
    """The newest events, newest first. `site`: those of its jobs, and those that name it. Raises
    CatalogError."""
    conditions = ["e.at >= ?"]
    values: list[Any] = [since]
    if site is not None:
        conditions.append(
            "(j.site = ? OR (e.job_id IS NULL AND instr(' ' || e.text || ' ', ' ' || ? || ' ')))"
        )
        values += [site, site]
    if job_id is not None:
        conditions.append("e.job_id = ?")
        values.append(job_id)
    sql = f"{_EVENTS} WHERE {' AND '.join(conditions)} ORDER BY e.at DESC, e.id DESC LIMIT ?"
    with reader.snapshot() as connection:
        return fetch(connection, Event, sql, (*values, limit))
