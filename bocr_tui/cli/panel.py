"""`bocr` without a command: the panel in a terminal, the status elsewhere."""

from __future__ import annotations

import sys

import typer

from bocr_tui.cli.call import Call, the_workspace
from bocr_tui.cli.output import note


def in_terminal() -> bool:
    """Whether a person can work with screens here."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def open_panel(call: Call) -> None:
    """Raises UsageError without a workspace."""
    workspace = the_workspace(call)
    if in_terminal() and not call.json:
        from bocr_tui.ui.app import run_panel

        raise typer.Exit(run_panel(workspace))
    from bocr_tui.cli.commands.status import answer_status

    answer_status(call, workspace)
    if not call.json:
        note("This is no terminal, so the panel stays closed; `bocr --help` lists the commands.")
