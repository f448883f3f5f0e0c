"""`bocr` without a command: the panel in a terminal, the status elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import typer

from bocr_tui.cli.call import EXIT_OK, Call, the_workspace, workspace_for
from bocr_tui.cli.output import note
from bocr_tui.config.served import served
from bocr_tui.config.workspace import Workspace, find_workspace, make_workspace

Background = Callable[[Callable[[str], None]], Awaitable[None]]
"""Work that the panel starts after its first frame; what it is given shows a line."""


def in_terminal() -> bool:
    """Whether a person can work with screens here: in a terminal, or in a browser."""
    return served() or (sys.stdin.isatty() and sys.stdout.isatty())


def show_panel(workspace: Workspace, background: Background | None = None, *, read_only: bool = False) -> int:
    """Open the panel, with work of ours in its background; returns its exit code when the person leaves."""
    from bocr_tui.ui.app import run_panel

    return run_panel(workspace, background=background, read_only=read_only)


def _begin(here: Path) -> int:
    """Ask what to begin in this folder, and do it; returns the exit code."""
    from bocr_tui.ui.welcome import Begin, choose

    choice = choose(here)
    if choice is None:
        return EXIT_OK
    if choice.begin is Begin.DEMO:
        from bocr_tui.cli.running import RunOrder
        from bocr_tui.cli.showing import show_demo_in_panel
        from bocr_tui.config.resources import resource

        samples = resource("samples") / "pages"
        show_demo_in_panel(workspace_for(choice.folder, [samples]), RunOrder((samples,)))
        return EXIT_OK
    if choice.begin is Begin.MAKE:
        return show_panel(_made(choice.folder))
    return show_panel(Workspace(choice.folder))


def _made(folder: Path) -> Workspace:
    from bocr_tui.catalog.database import open_catalog

    made = make_workspace(folder)
    open_catalog(made.catalog_path).close()
    return made


def open_panel(call: Call, *, read_only: bool = False) -> None:
    """`read_only`: it changes nothing and drives nothing. Without a workspace a terminal shows what can be
    begun; raises UsageError elsewhere."""
    person = in_terminal() and not call.json
    if person and not read_only and find_workspace(named=call.workspace) is None:
        raise typer.Exit(_begin(Path.cwd()))
    workspace = the_workspace(call)
    if person:
        raise typer.Exit(show_panel(workspace, read_only=read_only))
    from bocr_tui.cli.commands.status import answer_status

    answer_status(call, workspace)
    if not call.json:
        note("This is no terminal, so the panel stays closed; `bocr --help` lists the commands.")
