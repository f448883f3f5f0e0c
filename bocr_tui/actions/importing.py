"""The import, for callers that have no event loop: in one of its own, stopped by a thread's event."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bocr_tui.config.errors import UsageError
from bocr_tui.intake.findings import MOST_PROBLEMS, ImportProgress, ImportReport
from bocr_tui.intake.importer import import_paths
from bocr_tui.sites.asking import ask_nobody
from bocr_tui.sites.documents import parse_site_path

if TYPE_CHECKING:
    from bocr_tui.actions.action import Options
    from bocr_tui.catalog.database import Catalog
    from bocr_tui.config.workspace import Workspace

_STOP_LOOK_S = 0.1


def import_now(workspace: Workspace, catalog: Catalog, options: Options) -> ImportReport:
    """Files of this machine, and `site:NAME:PATH` in place. Raises UsageError for a path, a site or a
    language that is none, SiteError when a site does not do its part."""
    return asyncio.run(_import(workspace, catalog, options))


async def _import(workspace: Workspace, catalog: Catalog, options: Options) -> ImportReport:
    local, remote = _sorted(workspace, options.paths)
    stop = asyncio.Event()
    watcher = asyncio.create_task(_bridge(options, stop))
    reports = []
    try:
        if local:
            reports.append(await _import_local(workspace, catalog, local, options, stop))
        for site, path in remote:
            if not stop.is_set():
                reports.append(await _import_remote(workspace, catalog, site, path, options, stop))
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher
    return _together(reports, stop.is_set())


def _sorted(workspace: Workspace, paths: Sequence[Path]) -> tuple[list[Path], list[tuple[str, bytes]]]:
    """Those of this machine, and those of sites. Raises UsageError for a site that is not configured."""
    local, remote = [], []
    for path in paths:
        parsed = parse_site_path(os.fsencode(path))
        if parsed is None:
            local.append(path)
        elif parsed[0] not in workspace.config.sites:
            known = ", ".join(sorted(workspace.config.sites))
            raise UsageError(f"There is no site {parsed[0]!r}.", f"Sites: {known}.")
        else:
            remote.append(parsed)
    return local, remote


async def _import_local(
    workspace: Workspace, catalog: Catalog, paths: Sequence[Path], options: Options, stop: asyncio.Event
) -> ImportReport:
    return await import_paths(
        workspace,
        catalog,
        paths,
        language=options.language,
        on_progress=lambda progress: _tell(options, progress),
        stop=stop,
    )


async def _import_remote(
    workspace: Workspace,
    catalog: Catalog,
    site_name: str,
    path: bytes,
    options: Options,
    stop: asyncio.Event,
) -> ImportReport:
    from bocr_tui.intake.remote import import_from_site
    from bocr_tui.sites.site import open_site

    site = open_site(workspace, site_name, options.asker or ask_nobody)
    try:
        return await import_from_site(
            workspace,
            catalog,
            site,
            path,
            language=options.language,
            on_progress=lambda progress: _tell(options, progress),
            tell=lambda text: _say(options, text),
            stop=stop,
            as_job=options.as_job,
        )
    finally:
        await site.transport.close()


def _together(reports: Sequence[ImportReport], stopped: bool) -> ImportReport:
    """Several imports as one. Pages of a document that lies in two places are counted twice only where it
    was imported from both at once."""
    if len(reports) == 1:
        return reports[0]
    total = ImportReport(stopped=stopped)
    for report in reports:
        total = replace(
            total,
            found=total.found + report.found,
            added=total.added + report.added,
            known=total.known + report.known,
            changed=total.changed + report.changed,
            unreadable=total.unreadable + report.unreadable,
            missing=total.missing + report.missing,
            pages=total.pages + report.pages,
            document_ids=tuple(sorted({*total.document_ids, *report.document_ids})),
            problems=(*total.problems, *report.problems)[:MOST_PROBLEMS],
            seconds=total.seconds + report.seconds,
            stopped=total.stopped or report.stopped,
        )
    return total


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


def _say(options: Options, text: str) -> None:
    """What goes on before the first file is read."""
    if options.progress is not None:
        options.progress(0, 0, text)
