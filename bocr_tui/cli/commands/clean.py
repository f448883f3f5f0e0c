"""`bocr clean`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace


def clean(
    context: typer.Context,
    site: Annotated[
        str | None, typer.Argument(metavar="SITE", help="Only there; every site if none.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them; otherwise it is only said what could go.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Also documents with pages still to read, if no job needs them now: they can be "
            "uploaded again.",
        ),
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Free what the sites no longer need: run folders whose results lie verified in the workspace, uploaded
    documents whose pages are settled, and pages drawn beforehand. What lies in place is never touched."""
    from bocr_tui.actions.action import Options
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    options = Options(act=yes, site=site, everything=everything)
    outcome = act(the_workspace(call), "workspace.clean", options=options, progress=("Verify", "run folders"))
    answer(call, outcome)
