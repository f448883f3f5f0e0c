"""How a batch stands by the pages it has, once no chain works on them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from bocr_tui.catalog.transitions import move_batch
from bocr_tui.catalog.words import BATCH_MOVES, BatchState

_LIVE = (
    "SELECT 1 FROM page p JOIN reservation r ON r.page_id = p.id AND r.released_at IS NULL"
    " WHERE p.batch_id = ? LIMIT 1"
)


def settle_batches(connection: Connection, batch_ids: Iterable[int]) -> None:
    """Done, in need of attention, or planned again; a batch that a live chain works on, or that may not go
    where its pages say, stays as it is."""
    for batch_id in batch_ids:
        if connection.exec_driver_sql(_LIVE, (batch_id,)).first() is not None:
            continue
        states = _states(connection, batch_id)
        target = BatchState.DONE
        if states.get("failed"):
            target = BatchState.ATTENTION
        elif states.get("planned"):
            target = BatchState.PLANNED
        row = connection.exec_driver_sql("SELECT state FROM batch WHERE id = ?", (batch_id,)).one()
        if target in BATCH_MOVES[BatchState(row[0])]:
            move_batch(connection, batch_id, target)


def _states(connection: Connection, batch_id: int) -> dict[str, int]:
    rows = connection.exec_driver_sql(
        "SELECT state, count(*) FROM page WHERE batch_id = ? GROUP BY state", (batch_id,)
    )
    return {str(state): int(pages) for state, pages in rows}
