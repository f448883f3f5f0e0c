"""Having the driver's requests carried out: by the one that runs, or by driving for a moment."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.cli.output import note
from bocr_tui.config.errors import Busy

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

WAIT_S = 30.0
"""A job ends within some seconds of being asked, and is killed when it does not; then this is long enough."""

LOOK_EVERY_S = 0.2


def carry_out(workspace: Workspace) -> None:
    """Returns when every request is answered, or says that some are not yet."""
    catalog = open_catalog(workspace.catalog_path, create=False)
    try:
        asyncio.run(_carry_out(workspace, catalog))
        if _asked(catalog):
            note("Not all jobs have ended yet; `bocr watch` sees them off.")
    finally:
        catalog.close()


async def _carry_out(workspace: Workspace, catalog: Catalog) -> None:
    from bocr_tui.control.driver import Driver

    stop = asyncio.Event()
    waiting = asyncio.create_task(_until_answered(catalog))
    driving = asyncio.create_task(Driver(workspace, catalog).run(until_idle=True, stop=stop))
    try:
        done, _ = await asyncio.wait({waiting, driving}, timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        if driving in done and isinstance(driving.exception(), Busy):
            await asyncio.wait({waiting}, timeout=WAIT_S)
    finally:
        stop.set()
        waiting.cancel()
        with contextlib.suppress(Busy, asyncio.CancelledError):
            await driving


async def _until_answered(catalog: Catalog) -> None:
    while await asyncio.to_thread(_asked, catalog):  # noqa: ASYNC110 - another process answers
        await asyncio.sleep(LOOK_EVERY_S)


def _asked(catalog: Catalog) -> int:
    with catalog.reading() as connection:
        statement = select(func.count()).where(core.request.c.state == "asked")
        return connection.execute(statement).scalar() or 0
