"""The demo: a run with a word before it and an export after it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from bocr_tui.actions.action import Options
from bocr_tui.cli.acting import act
from bocr_tui.cli.call import EXIT_ERROR, EXIT_OK, Call
from bocr_tui.cli.checks import language_checks
from bocr_tui.cli.finish import exit_code, show_summary, tell_end
from bocr_tui.cli.output import note, safe, say
from bocr_tui.cli.panel import show_panel
from bocr_tui.cli.running import RunOrder, run_all, take_in
from bocr_tui.config.check import GOOD
from bocr_tui.report.summary import Summary

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

EXPORT_FOLDER = "export"


def show_demo(call: Call, workspace: Workspace, order: RunOrder, *, own_samples: bool) -> int:
    """Headless. Returns the exit code."""
    _tell_what_is_missing(workspace)
    note(f"Reading {safe(order.paths[0])}; workspace {safe(workspace.root)}")
    summary, seconds = run_all(workspace, order)
    exported = act(
        workspace,
        "workspace.export",
        options=Options(destination=workspace.root / EXPORT_FOLDER),
        progress=("Export", "pages"),
    )
    tell_end(call, summary, seconds)
    if not call.json:
        say(f"Recovered after a failure: {sum(summary.recovered.values())} pages.")
        say(safe(exported.text))
        say(f"The panel shows all of it: bocr -w {safe(workspace.root)}")
    return _demo_code(summary) if own_samples else exit_code(summary)


def _demo_code(summary: Summary) -> int:
    """The samples hold files that nobody can read: that those are found out is what the demo shows."""
    return EXIT_OK if summary.ok and summary.settled == summary.pages else EXIT_ERROR


def _tell_what_is_missing(workspace: Workspace) -> None:
    """One line a language that nobody here can read: what that costs, and the remedy."""
    for check in language_checks(workspace.config.languages):
        if check.state != GOOD:
            note(f"{check.name}: {check.said}. To mend it: {check.next_step}")


def show_demo_in_panel(workspace: Workspace, order: RunOrder) -> None:
    """The panel opens at once and the pages come in while it is open."""
    _tell_what_is_missing(workspace)

    async def work(tell: Callable[[str], None]) -> None:
        stop = threading.Event()

        def progress(done: int, total: int, text: str) -> None:
            tell(f"Importing: {done:,} files")

        try:
            await asyncio.to_thread(take_in, workspace, order, tell, progress, stop)
        except asyncio.CancelledError:
            stop.set()
            raise

    show_panel(workspace, background=work)
    _tell_after_panel(workspace)


def _tell_after_panel(workspace: Workspace) -> None:
    from bocr_tui.catalog.database import open_catalog
    from bocr_tui.report.summary import summarise

    catalog = open_catalog(workspace.catalog_path)
    try:
        summary = summarise(catalog)
    finally:
        catalog.close()
    show_summary(summary, 0.0)
    name = safe(workspace.root)
    if summary.live:
        say(f"{summary.live:,} pages are under way: bocr -w {name} watch follows them.")
    say(f"bocr -w {name} opens the panel again, bocr -w {name} export FOLDER writes the texts.")
