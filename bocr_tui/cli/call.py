"""What was said for every command: the workspace and the form of the answer; and how to get at them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bocr_tui.config.errors import BocrError, UsageError

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_LEFT, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

EXIT_CODES = (
    "Exit codes: 0 all is well; 1 an error; 2 wrong usage; 3 finished, but pages failed or were given up on, "
    "or documents could not be read; 130 interrupted."
)

MOST_NAMED = 3
"""Workspaces below this folder that are named."""


class Interrupted(BocrError):
    """The person pressed Ctrl-C, or somebody sent SIGTERM; the cause says what goes on without us."""

    exit_code = EXIT_INTERRUPTED


class ReaderLeft(Exception):
    """Whoever read our output has closed it, as `head` does."""


@dataclass
class Call:
    """One invocation of `bocr`. Both options may stand before or after the command's name."""

    workspace: Path | None = None
    json: bool = False


def call_of(context: typer.Context) -> Call:
    found = context.ensure_object(Call)
    assert isinstance(found, Call)
    return found


def _take_workspace(context: typer.Context, value: Path | None) -> Path | None:
    call = call_of(context)
    call.workspace = value or call.workspace
    return value


def _take_json(context: typer.Context, value: bool) -> bool:
    call = call_of(context)
    call.json = value or call.json
    return value


WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="FOLDER",
        callback=_take_workspace,
        help="The workspace; otherwise $BOCR_WORKSPACE, this folder or one above it, or ./bocr-workspace.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", callback=_take_json, help="Answer with JSON on standard output.")
]


def the_workspace(call: Call) -> Workspace:
    """The workspace that is meant. Raises UsageError when there is none."""
    from bocr_tui.config.workspace import find_workspace, workspaces_in

    found = find_workspace(named=call.workspace)
    if found is not None:
        return found
    near = workspaces_in(Path.cwd())
    if near:
        names = [shlex.quote(path.name) for path in near[:MOST_NAMED]]
        others = f" (or {', '.join(names[1:])})" if names[1:] else ""
        raise UsageError("This folder is no workspace, but holds one.", f"Say -w {names[0]}{others}.")
    raise UsageError(
        "There is no workspace here.",
        "Run `bocr run FOLDER` to make one and read a folder, or `bocr init`; -w names one elsewhere.",
    )


def the_workspace_or_new(call: Call, default: str, paths: Sequence[Path]) -> Workspace:
    """Like the_workspace, but makes one for these paths: where -w says, or in `default`."""
    from bocr_tui.config.workspace import find_workspace

    if call.workspace is not None:
        return workspace_for(call.workspace, paths)
    return find_workspace() or workspace_for(Path(default), paths)


def workspace_for(root: Path, paths: Sequence[Path]) -> Workspace:
    """The workspace in this folder, made when there is none. Raises UsageError, and makes none, when one of
    the paths that it is for does not exist: what is gone can only be meant where it was known."""
    from bocr_tui.config.workspace import CONFIG_NAME, make_workspace

    gone = [path for path in paths if not os.path.lexists(path)]
    if gone and not (root / CONFIG_NAME).is_file():
        raise UsageError(f"{gone[0]} does not exist.", "Check the path.")
    return make_workspace(root)
