"""`bocr sites`, `bocr pause`, `bocr resume` and `bocr commands`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.config.errors import UsageError

SitesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[SITE]...", help="Sites by name; the configuration's if none.")
]
UploadsOption = Annotated[bool, typer.Option("--uploads", help="Only the uploading of documents.")]


def sites(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show how each site is connected, what it does, how old that is, and why it does not."""
    from bocr_tui.catalog.lists_sites import sites_of
    from bocr_tui.cli.commands.lists import open_the_reader
    from bocr_tui.cli.output import say, show, write_json
    from bocr_tui.cli.site_words import site_record, sites_table

    call = call_of(context)
    found = the_workspace(call)
    reader = open_the_reader(call)
    try:
        rows = sites_of(reader, found.config.sites)
    finally:
        reader.close()
    if call.json:
        write_json([site_record(row) for row in rows])
        return
    show(sites_table("", rows))
    for row in rows:
        if row.is_paused:
            say(f"`bocr resume {row.name}` contacts {row.name} again.")


def pause(
    context: typer.Context,
    names: SitesArgument = None,
    uploads: UploadsOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Contact a site no more until it is resumed; jobs there go on by themselves."""
    _switch(context, names, "site.upload_pause" if uploads else "site.pause")


def resume(
    context: typer.Context,
    names: SitesArgument = None,
    uploads: UploadsOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Contact a site again: one that was paused, or that waits for a person or for its next try."""
    _switch(context, names, "site.upload_resume" if uploads else "site.resume")


def commands(
    context: typer.Context,
    site: Annotated[str | None, typer.Option("--site", help="Only those sent to this site.")] = None,
    grep: Annotated[
        str, typer.Option("--grep", metavar="TEXT", help="Only those that hold this, whatever the case.")
    ] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="The last ones only; 0: all.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they are sent.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Looks at running jobs, too; else only those that went wrong.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the commands that were sent to sites: when, what, how they ended, how long they took."""
    from bocr_tui.cli.command_log import CommandOrder, follow_commands, tell_commands

    call = call_of(context)
    if follow and call.json:
        raise UsageError("--follow has no end that JSON could have.", "Leave one of them out.")
    order = CommandOrder(site, grep, lines, everything)
    found = the_workspace(call)
    if follow:
        follow_commands(found, order)
    else:
        tell_commands(call, found, order)


def _switch(context: typer.Context, names: list[str] | None, action_id: str) -> None:
    from bocr_tui.actions.action import Selection
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    found = the_workspace(call)
    chosen = tuple(names or [found.config.site])
    answer(call, act(found, action_id, Selection(sites=chosen)))
