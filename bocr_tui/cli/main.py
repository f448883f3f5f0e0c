"""The entry point. `bocr` alone, or with `-w FOLDER`, opens the panel at once, without loading the commands
and what they need. Everything else, and whatever goes wrong, is for invoking.py."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `bocr` with these arguments (the process's own for None). Returns the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    workspace = _workspace_to_open(given)
    if workspace is not None:
        return _open(workspace)
    from bocr_tui.cli.invoking import invoke

    return invoke(given)


def _workspace_to_open(given: Sequence[str]) -> Workspace | None:
    """The workspace whose panel is asked for and nothing else, by a person who sits there."""
    plain = not given or (len(given) == 2 and given[0] in ("-w", "--workspace") and given[1][:1] != "-")
    if not plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return None
    from bocr_tui.config.errors import UsageError
    from bocr_tui.config.workspace import find_workspace

    try:
        return find_workspace(named=Path(given[1]) if given else None)
    except (UsageError, OSError):
        return None  # said in full where commands are run


def _open(workspace: Workspace) -> int:
    """Open the panel. To look for garbage among what is being loaded would be a sixth of the way to the first
    frame; the panel allows it again after that."""
    gc.disable()
    try:
        from bocr_tui.ui.app import run_panel

        return run_panel(workspace)
    except Exception as error:  # noqa: BLE001 - the last one: told to the person
        from bocr_tui.cli.invoking import explain

        return explain(error)
    finally:
        gc.enable()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.exit(code)
