"""The import, for callers that have no event loop: in one of its own, stopped by a thread's event."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from bocr_tui.intake.findings import ImportProgress, ImportReport
from bocr_tui.intake.importer import import_paths

if TYPE_CHECKING:
    from bocr_tui.actions.action import Options
    from bocr_tui.catalog.database import Catalog
    from bocr_tui.config.workspace import Workspace

_STOP_LOOK_S = 0.1


def import_now(workspace: Workspace, catalog: Catalog, options: Options) -> ImportReport:
    """Raises UsageError for a path or a language that is none."""
    return asyncio.run(_import(workspace, catalog, options))


async def _import(workspace: Workspace, catalog: Catalog, options: Options) -> ImportReport:
    stop = asyncio.Event()
    watcher = asyncio.create_task(_bridge(options, stop))
    try:
        return await import_paths(
            workspace,
            catalog,
            options.paths,
            language=options.language,
            on_progress=lambda progress: _tell(options, progress),
            stop=stop,
        )
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


async def _bridge(options: Options, stop: asyncio.Event) -> None:
    """A thread's event cannot wake a loop, so it is looked at."""
    while options.stop is not None and not options.stop.is_set():  # noqa: ASYNC110
        await asyncio.sleep(_STOP_LOOK_S)
    if options.stop is not None:
        stop.set()


def _tell(options: Options, progress: ImportProgress) -> None:
    """While files are still being looked for their number is not known."""
    if options.progress is not None:
        total = 0 if progress.looking else progress.found
        options.progress(progress.done, total, f"{progress.pages:,} pages, {progress.name}")
