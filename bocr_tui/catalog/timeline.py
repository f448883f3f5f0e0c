"""The timeline: what happened, for people."""

from __future__ import annotations

from sqlalchemy import Connection, insert

from bocr_tui.catalog import core
from bocr_tui.catalog.database import now


def note(
    connection: Connection,
    kind: str,
    text: str,
    *,
    document_id: int | None = None,
    batch_id: int | None = None,
    job_id: int | None = None,
) -> None:
    """Add one event, in the transaction that makes it true."""
    connection.execute(
        insert(core.event).values(
            at=now(), kind=kind, text=text, document_id=document_id, batch_id=batch_id, job_id=job_id
        )
    )
