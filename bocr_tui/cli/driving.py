"""Driving beside something else: for as long as a command needs the driver, unless another process is it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from bocr_tui.cli.asking_terminal import TerminalAsker
from bocr_tui.config.errors import Busy

if TYPE_CHECKING:
    from bocr_tui.catalog.database import Catalog
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.control.events import ControlEvent

RETRY_LEASE_S = 2.0
"""Between two tries to take the driver's lease from a process that may have gone."""


@contextlib.asynccontextmanager
async def driven(
    workspace: Workspace,
    catalog: Catalog,
    on_event: Callable[[ControlEvent], None] | None = None,
) -> AsyncIterator[asyncio.Task[None]]:
    """While this lasts, somebody drives: we, or the process that does so already. What the driver raises
    is raised by the task that is handed out."""
    stop = asyncio.Event()
    task = asyncio.create_task(_drive(workspace, catalog, stop, on_event))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.gather(task, return_exceptions=True)


async def _drive(
    workspace: Workspace,
    catalog: Catalog,
    stop: asyncio.Event,
    on_event: Callable[[ControlEvent], None] | None,
) -> None:
    from bocr_tui.control.driver import Driver

    while not stop.is_set():
        driver = Driver(workspace, catalog, on_event=on_event, asker=TerminalAsker())
        try:
            await driver.run(until_idle=False, stop=stop)
        except Busy:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RETRY_LEASE_S)
