"""`bocr upload`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.config.errors import UsageError


def upload(
    context: typer.Context,
    batches: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BATCH]...", help="Batches by name; everything planned if none."),
    ] = None,
    site: Annotated[
        str | None, typer.Option("--site", help="Where to; the configuration's site if not said.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every document with pages to read, planned or not.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring documents to a site now; jobs wait for theirs by themselves. Ctrl-C stops, again goes on."""
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.acting import act, answer
    from bocr_tui.cli.commands.jobs import batches_named

    call = call_of(context)
    found = the_workspace(call)
    if batches and everything:
        raise UsageError("Which documents?", "Name batches, or say --all.")
    reader = open_reader(found.catalog_path)
    ids = batches_named(reader, batches) if batches else []
    reader.close()
    outcome = act(
        found,
        "documents.upload",
        Selection(batches=tuple(ids)),
        Options(site=site, everything=everything),
        progress=("Upload", "kB"),
    )
    answer(call, outcome)
