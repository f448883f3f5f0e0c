"""`bocr doctor`"""

from __future__ import annotations

from dataclasses import asdict

import typer

from bocr_tui.cli.call import EXIT_ERROR, EXIT_OK, JsonOption, WorkspaceOption, call_of
from bocr_tui.cli.output import safe, say, show, table, write_json


def doctor(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Check this machine and the workspace: engines and languages, catalog, disk, memory; with remedies."""
    from bocr_tui.cli.checks import BAD, all_checks
    from bocr_tui.config.workspace import find_workspace

    call = call_of(context)
    checks = all_checks(find_workspace(named=call.workspace))
    if call.json:
        write_json([asdict(check) for check in checks])
    else:
        rows = [(check.state, check.name, check.said) for check in checks]
        show(table("", ("", "Checked", "Found"), rows))
        for check in checks:
            if check.next_step:
                say(f"{safe(check.name)}: {safe(check.next_step)}")
    raise typer.Exit(EXIT_ERROR if any(check.state == BAD for check in checks) else EXIT_OK)
