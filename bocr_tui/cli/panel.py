"""`bocr` without a command: the panel in a terminal, the status elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import typer

from bocr_tui.cli.call import Call, the_workspace
from bocr_tui.cli.output import note

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

Background = Callable[[Callable[[str], None]], Awaitable[None]]
"""Work that the panel starts after its first frame; what it is given shows a line."""


def in_terminal() -> bool:
    """Whether a person can work with screens here."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def show_panel(workspace: Workspace, background: Background | None = None, *, read_only: bool = False) -> int:
    """Open the panel, with work of ours in its background; returns its exit code when the person leaves."""
    from bocr_tui.ui.app import run_panel

    return run_panel(workspace, background=background, read_only=read_only)


def open_panel(call: Call, *, read_only: bool = False) -> None:
    """`read_only`: it changes nothing and drives nothing. Raises UsageError without a workspace."""
    workspace = the_workspace(call)
    if in_terminal() and not call.json:
        raise typer.Exit(show_panel(workspace, read_only=read_only))
    from bocr_tui.cli.commands.status import answer_status

    answer_status(call, workspace)
    if not call.json:
        note("This is no terminal, so the panel stays closed; `bocr --help` lists the commands.")
