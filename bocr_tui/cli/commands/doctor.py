"""`bocr doctor`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bocr_tui.cli.call import EXIT_ERROR, EXIT_OK, JsonOption, WorkspaceOption, call_of, the_workspace

if TYPE_CHECKING:
    from bocr_tui.cli.call import Call
    from bocr_tui.config.check import Check

WAIT_S = 120.0


def doctor(
    context: typer.Context,
    site: Annotated[
        str | None, typer.Argument(metavar="[SITE]", help="A site by name; this machine if none.")
    ] = None,
    no_job: Annotated[bool, typer.Option("--no-job", help="Submit no test job there.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Also bring nothing there, and leave what is there as it is.")
    ] = False,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=5, help="For the test job to start and end.")
    ] = WAIT_S,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine and the workspace, or a site: connection, scheduler, disk, environments, a job."""
    from bocr_tui.cli.checks import all_checks
    from bocr_tui.config.workspace import find_workspace

    call = call_of(context)
    if site is None:
        checks = all_checks(find_workspace(named=call.workspace))
        tell_checks(call, checks)
    else:
        from bocr_tui.cli.site_doctor import examine_site

        checks = examine_site(
            call, the_workspace(call), site, bring=not quick, job=not (no_job or quick), wait_s=wait
        )
    raise typer.Exit(exit_code(checks))


def exit_code(checks: list[Check]) -> int:
    from bocr_tui.config.check import BAD

    return EXIT_ERROR if any(check.state == BAD for check in checks) else EXIT_OK


def tell_checks(call: Call, checks: list[Check]) -> None:
    """As a table with the next steps below it, or as JSON."""
    from dataclasses import asdict

    from bocr_tui.cli.output import safe, say, show, table, write_json

    if call.json:
        write_json([asdict(check) for check in checks])
        return
    show(table("", ("", "Checked", "Found"), [(check.state, check.name, check.said) for check in checks]))
    for check in checks:
        if check.next_step:
            say(f"{safe(check.name)}: {safe(check.next_step)}")
