"""`bocr log`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.config.errors import UsageError

LINES = 50
"""Lines shown unless more are asked for: about one screen."""


def log(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job by token or the scheduler's id.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    grep: Annotated[
        str, typer.Option("--grep", metavar="TEXT", help="Only lines that hold this, whatever the case.")
    ] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="The last ones only; 0: all.")] = LINES,
    server: Annotated[
        bool, typer.Option("--server", help="What the job's model server said, not the job itself.")
    ] = False,
    scheduler: Annotated[
        bool, typer.Option("--scheduler", help="What PBS printed around the job, before its script began.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a job has printed. It is fetched from near its end on, for as long as somebody looks."""
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.choose_jobs import job_named
    from bocr_tui.cli.job_log import LogOrder, follow_log, tell_log

    call = call_of(context)
    if follow and call.json:
        raise UsageError("--follow has no end that JSON could have.", "Leave one of them out.")
    if server and scheduler:
        raise UsageError("--server and --scheduler are two logs.", "Leave one of them out.")
    found = the_workspace(call)
    reader = open_reader(found.catalog_path)
    try:
        row = job_named(reader, job)
    finally:
        reader.close()
    name = "server.log" if server else "pbs.log" if scheduler else "job.log"
    order = LogOrder(row, name, grep, lines)
    if follow:
        follow_log(found, order)
    else:
        tell_log(call, found, order)
