"""Having requests about jobs carried out: by the process that drives, or by driving for a moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.cli.driving import driven
from bocr_tui.cli.output import note

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

WAIT_S = 30.0
"""A job ends within some seconds of being asked, and is killed when it does not; then this is long enough."""

LOOK_EVERY_S = 0.2

Refusal = tuple[int, str]
"""A job, and why the scheduler did not do it."""

_OF_JOBS = (
    "FROM request WHERE kind = ? AND state = ? AND asked_at >= ?"
    " AND json_extract(payload, '$.job') IN (SELECT value FROM json_each(?))"
)


def carry_out(workspace: Workspace, kind: str, job_ids: Sequence[int], since: float) -> list[Refusal]:
    """Returns when what was asked of these jobs at `since` (seconds since the epoch) or later is answered,
    or says that some of it is not yet; with what the scheduler refused."""
    catalog = open_catalog(workspace.catalog_path, create=False)
    try:
        asyncio.run(_carry_out(workspace, catalog, kind, job_ids))
        if _rows(catalog, kind, "asked", 0.0, job_ids):
            note("Not everything that was asked is done yet; `bocr watch` sees it through.")
        return _rows(catalog, kind, "refused", since, job_ids)
    finally:
        catalog.close()


async def _carry_out(workspace: Workspace, catalog: Catalog, kind: str, job_ids: Sequence[int]) -> None:
    async with driven(workspace, catalog) as driving:
        waiting = asyncio.create_task(_until_answered(catalog, kind, job_ids))
        await asyncio.wait({waiting, driving}, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if driving.done():
            driving.result()


async def _until_answered(catalog: Catalog, kind: str, job_ids: Sequence[int]) -> None:
    while await asyncio.to_thread(_rows, catalog, kind, "asked", 0.0, job_ids):  # noqa: ASYNC110 - another process answers
        await asyncio.sleep(LOOK_EVERY_S)


def _rows(catalog: Catalog, kind: str, state: str, since: float, job_ids: Sequence[int]) -> list[Refusal]:
    with catalog.reading() as connection:
        rows = connection.exec_driver_sql(
            f"SELECT json_extract(payload, '$.job'), answer {_OF_JOBS}",
            (kind, state, since, json.dumps(list(job_ids))),
        )
        return [(int(job), str(answer)) for job, answer in rows]
