"""What is to be uploaded, in the catalog: asked for by people, needed by jobs, done, failed, paused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import chunked

UPLOADS_PAUSED = "uploads_paused:"
"""The setting's name before the name of a site to which nothing is uploaded."""

_UPSERT = (
    "INSERT INTO site_document (site, document_id, state, path, problem, changed_at)"
    " VALUES (?, ?, ?, '', ?, ?) ON CONFLICT (site, document_id)"
    " DO UPDATE SET state = excluded.state, problem = excluded.problem, changed_at = excluded.changed_at"
)
_NOT_ASKED = " WHERE site_document.state IN ('freed', 'failed')"

_CHAIN_DOCUMENTS = """
SELECT DISTINCT p.document_id FROM reservation r JOIN page p ON p.id = r.page_id
WHERE r.chain_id = ? AND r.released_at IS NULL AND p.state <> 'ignored'
  AND NOT (p.state = 'ok' AND p.changed_at >= r.created_at)
ORDER BY p.document_id
"""


def ask_uploads(catalog: Catalog, site: str, document_ids: Sequence[int]) -> list[int]:
    """Ask for these documents on a site; whoever drives uploads them after those that jobs wait for.
    Returns those that it is new for."""
    asked = []
    with catalog.writing() as connection:
        for part in chunked(document_ids):
            rows = connection.exec_driver_sql(
                "SELECT value FROM json_each(?) WHERE NOT EXISTS (SELECT 1 FROM site_document"
                " WHERE site = ? AND document_id = value AND state NOT IN ('freed', 'failed'))",
                (json.dumps(part), site),
            )
            new = [int(document_id) for (document_id,) in rows]
            if new:
                connection.exec_driver_sql(
                    _UPSERT + _NOT_ASKED, [(site, document_id, "waiting", "", now()) for document_id in new]
                )
            asked += new
    return asked


_UNSETTLED = "state NOT IN ('ok', 'gave_up', 'ignored')"


def documents_of_batches(connection: Connection, batch_ids: Sequence[int]) -> list[int]:
    """Documents with pages of these batches that are not settled."""
    rows = connection.exec_driver_sql(
        "SELECT DISTINCT document_id FROM page WHERE batch_id IN (SELECT value FROM json_each(?))"  # noqa: S608
        f" AND {_UNSETTLED} ORDER BY document_id",
        (json.dumps(list(batch_ids)),),
    )
    return [int(document_id) for (document_id,) in rows]


def unsettled_documents(connection: Connection, *, planned: bool) -> list[int]:
    """Documents with pages that are not settled; `planned`: only pages that are in a batch."""
    where = "batch_id IS NOT NULL AND " if planned else ""
    rows = connection.exec_driver_sql(
        f"SELECT DISTINCT document_id FROM page WHERE {where}{_UNSETTLED} ORDER BY document_id"  # noqa: S608
    )
    return [int(document_id) for (document_id,) in rows]


def unask_uploads(catalog: Catalog, site: str, document_ids: Sequence[int]) -> None:
    """Take back what was asked for and has not been uploaded."""
    with catalog.writing() as connection:
        for part in chunked(document_ids):
            connection.exec_driver_sql(
                "DELETE FROM site_document WHERE site = ? AND state = 'waiting'"
                " AND document_id IN (SELECT value FROM json_each(?))",
                (site, json.dumps(part)),
            )


def asked_uploads(connection: Connection, site: str, most: int = -1) -> list[int]:
    """Documents that somebody asked for and that are not there, in the order of the catalog; at most so
    many (-1: all)."""
    rows = connection.exec_driver_sql(
        "SELECT document_id FROM site_document WHERE site = ? AND state = 'waiting'"
        " ORDER BY document_id LIMIT ?",
        (site, most),
    )
    return [int(document_id) for (document_id,) in rows]


def mark_documents(connection: Connection, site: str, state: str, document_ids: Iterable[int]) -> None:
    """present, or freed: not there any more."""
    rows = [(site, document_id, state, "", now()) for document_id in document_ids]
    if rows:
        connection.exec_driver_sql(_UPSERT, rows)


def mark_failed(connection: Connection, site: str, problems: dict[int, str]) -> None:
    """These documents cannot be uploaded, for these reasons (sentences)."""
    rows = [(site, document_id, "failed", words, now()) for document_id, words in problems.items()]
    if rows:
        connection.exec_driver_sql(_UPSERT, rows)
    for document_id, words in problems.items():
        note(connection, "upload", f"Not uploaded to {site}: {words}", document_id=document_id)


def chain_documents(connection: Connection, chain_id: int) -> list[int]:
    """The documents whose pages a chain still has to read."""
    return [int(row[0]) for row in connection.exec_driver_sql(_CHAIN_DOCUMENTS, (chain_id,))]


def waiting_chains(connection: Connection, site: str) -> list[tuple[int, float]]:
    """Chains with jobs that wait to be staged on a site, and when they were ordered; the oldest first."""
    rows = connection.exec_driver_sql(
        "SELECT j.chain_id, c.created_at FROM job j JOIN chain c ON c.id = j.chain_id"
        " WHERE j.state = 'planned' AND j.site = ? GROUP BY j.chain_id ORDER BY min(j.id)",
        (site,),
    )
    return [(int(chain_id), float(created_at)) for chain_id, created_at in rows]


def _pause_key(site: str) -> str:
    return f"{UPLOADS_PAUSED}{site}"


def pause_upload(catalog: Catalog, site: str) -> None:
    """Nothing is uploaded to this site until somebody resumes it; what is under way ends within a second
    or two and goes on from there later."""
    with catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
            (_pause_key(site), str(now())),
        )
        note(connection, "upload", f"Uploading to {site} paused")


def resume_upload(catalog: Catalog, site: str) -> None:
    with catalog.writing() as connection:
        connection.exec_driver_sql("DELETE FROM setting WHERE key = ?", (_pause_key(site),))
        note(connection, "upload", f"Uploading to {site} resumed")


def upload_paused(connection: Connection, site: str) -> bool:
    """Whether somebody paused uploading to this site."""
    return (
        connection.exec_driver_sql("SELECT 1 FROM setting WHERE key = ?", (_pause_key(site),)).first()
        is not None
    )
