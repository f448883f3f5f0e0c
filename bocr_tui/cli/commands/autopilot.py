"""`bocr autopilot`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.config.errors import UsageError


def autopilot(
    context: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", help="In the background, without a terminal; returns at once.")
    ] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="Submit nothing more by itself; jobs that run go on.")
    ] = False,
    status: Annotated[bool, typer.Option("--status", help="Say whether it is on, and who drives.")] = False,
    background: Annotated[bool, typer.Option("--in-background", hidden=True)] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep a site fed: submit planned batches as there is room, and what failed again, until all is done.

    It ends with a reason. Where a person has to answer (a passphrase, a one-time code) a detached one
    pauses the site and says so; `bocr resume` in a terminal goes on.
    """
    from bocr_tui.actions.action import Selection
    from bocr_tui.cli import autopilot as pilot
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    if [detach, stop, status].count(True) > 1:
        raise UsageError("Only one of --detach, --stop and --status.", "")
    found = the_workspace(call)
    if status:
        pilot.tell_status(call, found)
    elif stop:
        answer(call, act(found, "autopilot.stop", Selection(autopilot_on=pilot.is_on(found))))
    elif detach:
        pilot.detach(call, found)
    else:
        pilot.fly(call, found, background=background)
