# ruff: noqa: S608 - SQL is put together here from our own names; every value is bound
"""Rows by id, a screenful at a time, with what belongs to them counted for those rows only."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from bocr_tui.catalog.list_rows import AttemptRow, BatchRow, DocumentRow, JobRow, PageRow, Tally


def fetch(
    connection: sqlite3.Connection, kind: Callable[..., Any], sql: str, parameters: Sequence[Any]
) -> list[Any]:
    return [kind(*row) for row in connection.execute(sql, tuple(parameters))]


def _columns(kind: Any, prefix: str, *beside: str) -> str:
    """The columns of a row's fields, in their order; `beside` are fields that the query names itself."""
    return ", ".join(f"{prefix}.{name}" for name in kind._fields if name not in beside)


def _slots(ids: Sequence[Any]) -> str:
    return ", ".join("?" * len(ids))


def mapping(text: Any) -> dict[str, Any]:
    """A JSON column, {} where it holds no object."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


_HELD = "EXISTS (SELECT 1 FROM reservation AS r WHERE r.page_id = p.id AND r.released_at IS NULL)"
_PAGE_COLUMNS = ", ".join(
    {"document": "d.name", "document_sha256": "d.sha256", "held": _HELD}.get(name, f"p.{name}")
    for name in PageRow._fields
)
_DOCUMENT_COLUMNS = _columns(DocumentRow, "d", "tally")
_BATCH_COLUMNS = _columns(BatchRow, "b", "tally", "in_retry", "pages_per_s")
_JOB_COLUMNS = _columns(JobRow, "j", "chain_kind", "batches", "batch_count")
_ATTEMPT_COLUMNS = ", ".join(
    "coalesce(j.token, '')" if name == "token" else f"a.{name}" for name in AttemptRow._fields
)

ATTEMPTS = (
    f"SELECT {_ATTEMPT_COLUMNS} FROM attempt AS a LEFT JOIN job AS j ON j.id = a.job_id "
    "WHERE a.page_id = ? ORDER BY a.id"
)
SOURCES = "SELECT path, name, state, site FROM source WHERE document_id = ? ORDER BY state = 'missing', id"
EVENTS = "SELECT id, at, kind, text, job_id FROM event ORDER BY at DESC, id DESC LIMIT ?"
EVENTS_OF_JOB = """
SELECT id, at, kind, text, job_id FROM event WHERE id IN (
    SELECT id FROM event WHERE job_id = ?1
    UNION SELECT e.id FROM job_batch AS b JOIN event AS e ON e.batch_id = b.batch_id WHERE b.job_id = ?1
) ORDER BY at DESC, id DESC LIMIT ?2
"""
EVENTS_OF_BATCH = """
SELECT id, at, kind, text, job_id FROM event WHERE id IN (
    SELECT id FROM event WHERE batch_id = ?1
    UNION SELECT e.id FROM job_batch AS b JOIN event AS e ON e.job_id = b.job_id WHERE b.batch_id = ?1
) ORDER BY at DESC, id DESC LIMIT ?2
"""
FAILURES = (
    "SELECT failure, count(*) FROM page WHERE state IN ('failed', 'gave_up') AND failure IS NOT NULL "
    "GROUP BY failure ORDER BY 2 DESC, 1"
)
FAILURES_OF_BATCH = (
    "SELECT failure, count(*) FROM page WHERE batch_id = ? AND state IN ('failed', 'gave_up') "
    "AND failure IS NOT NULL GROUP BY failure ORDER BY 2 DESC, 1"
)


def fetch_pages(connection: sqlite3.Connection, ids: Sequence[int]) -> list[PageRow]:
    sql = (
        f"SELECT {_PAGE_COLUMNS} FROM page AS p JOIN document AS d ON d.id = p.document_id "
        f"WHERE p.id IN ({_slots(ids)})"
    )
    rows = fetch(connection, PageRow, sql, ids)
    return [row._replace(held=bool(row.held), by_person=bool(row.by_person)) for row in rows]


def fetch_documents(connection: sqlite3.Connection, ids: Sequence[int]) -> list[DocumentRow]:
    rows = fetch(
        connection,
        DocumentRow,
        f"SELECT {_DOCUMENT_COLUMNS} FROM document AS d WHERE d.id IN ({_slots(ids)})",
        ids,
    )
    tallies = _tallies(connection, "document_id", ids)
    return [row._replace(tally=tallies.get(row.id, Tally())) for row in rows]


def fetch_batches(connection: sqlite3.Connection, ids: Sequence[int]) -> list[BatchRow]:
    rows = fetch(
        connection, BatchRow, f"SELECT {_BATCH_COLUMNS} FROM batch AS b WHERE b.id IN ({_slots(ids)})", ids
    )
    tallies = _tallies(connection, "batch_id", ids)
    retries = dict(connection.execute(_RETRIES.format(_slots(ids)), tuple(ids)))
    paces = _paces(connection, ids)
    return [
        row._replace(
            tally=tallies.get(row.id, Tally()),
            in_retry=retries.get(row.id, 0),
            pages_per_s=paces.get(row.id),
        )
        for row in rows
    ]


_RETRIES = (
    "SELECT p.batch_id, count(*) FROM page AS p JOIN reservation AS r "
    "ON r.page_id = p.id AND r.released_at IS NULL "
    "WHERE p.batch_id IN ({}) AND p.state IN ('failed', 'gave_up') GROUP BY p.batch_id"
)
_PACES = (
    "SELECT jb.batch_id, j.heartbeat, (SELECT count(*) FROM job_batch AS o WHERE o.job_id = j.id) "
    "FROM job_batch AS jb JOIN job AS j ON j.id = jb.job_id "
    "WHERE jb.batch_id IN ({}) AND j.state = 'running'"
)


def _paces(connection: sqlite3.Connection, ids: Sequence[int]) -> dict[int, float]:
    """Pages a second of the jobs that run for each batch; one that works on several gives each its share."""
    found: dict[int, float] = {}
    for batch_id, heartbeat, batches in connection.execute(_PACES.format(_slots(ids)), tuple(ids)):
        pace = mapping(heartbeat).get("pages_per_s")
        if isinstance(pace, (int, float)) and pace > 0:
            found[batch_id] = found.get(batch_id, 0.0) + float(pace) / batches
    return found


def _tallies(connection: sqlite3.Connection, column: str, ids: Sequence[int]) -> dict[int, Tally]:
    found: dict[int, dict[str, int]] = {}
    sql = f"SELECT {column}, state, count(*) FROM page WHERE {column} IN ({_slots(ids)}) GROUP BY 1, 2"
    for key, state, count in connection.execute(sql, tuple(ids)):
        found.setdefault(key, {})[state] = count
    return {key: Tally(states) for key, states in found.items()}


_NAMES_SHOWN = 3
"""Batch names kept with a job: a list shows one, its preview a few."""


def fetch_jobs(connection: sqlite3.Connection, ids: Sequence[int]) -> list[JobRow]:
    rows = fetch(
        connection,
        JobRow,
        f"SELECT {_JOB_COLUMNS}, c.kind FROM job AS j JOIN chain AS c ON c.id = j.chain_id "
        f"WHERE j.id IN ({_slots(ids)})",
        ids,
    )
    names: dict[int, list[str]] = {}
    sql = (
        "SELECT jb.job_id, b.name FROM job_batch AS jb JOIN batch AS b ON b.id = jb.batch_id "
        f"WHERE jb.job_id IN ({_slots(ids)}) ORDER BY jb.job_id, b.id"
    )
    for job_id, name in connection.execute(sql, tuple(ids)):
        names.setdefault(job_id, []).append(name)
    return [
        row._replace(
            heartbeat=mapping(row.heartbeat),
            batches=tuple(names.get(row.id, ())[:_NAMES_SHOWN]),
            batch_count=len(names.get(row.id, ())),
        )
        for row in rows
    ]


def attempts_of(connection: sqlite3.Connection, page_id: int) -> list[AttemptRow]:
    rows = fetch(connection, AttemptRow, ATTEMPTS, (page_id,))
    return [row._replace(evidence=mapping(row.evidence), last=bool(row.last)) for row in rows]
