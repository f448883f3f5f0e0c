"""`bocr clean`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace


def clean(
    context: typer.Context,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them; otherwise it is only said what could go.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Free the sites' run folders whose work has ended and whose results lie verified in the workspace."""
    from bocr_tui.actions.action import Options
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    outcome = act(
        the_workspace(call), "workspace.clean", options=Options(act=yes), progress=("Verify", "run folders")
    )
    answer(call, outcome)
