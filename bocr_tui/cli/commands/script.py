"""`bocr script`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.commands.jobs import QueueOption, WalltimeOption, batches_named
from bocr_tui.cli.commands.plan import EngineOption


def script(
    context: typer.Context,
    batch: Annotated[
        str | None,
        typer.Argument(metavar="[BATCH]", help="Of its job, if it has one; otherwise of one to be made."),
    ] = None,
    stage: Annotated[int, typer.Option("--stage", min=1, help="Which of the pipeline, from 1.")] = 1,
    site: Annotated[
        str | None, typer.Option("--site", help="Where; the configuration's site if not said.")
    ] = None,
    engine: EngineOption = None,
    queue: QueueOption = None,
    walltime: WalltimeOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a job's script, as the site gets it."""
    from bocr_tui.actions.action import CatalogHandle, Context, Options, Selection
    from bocr_tui.actions.registry import action_named
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.output import note, safe, say, write_json

    call = call_of(context)
    found = the_workspace(call)
    ids: list[int] = []
    if batch is not None:
        reader = open_reader(found.catalog_path)
        ids = batches_named(reader, [batch])
        reader.close()
    options = Options(site=site, stages=tuple(engine or ()), queue=queue, walltime=walltime, stage=stage)
    handle = CatalogHandle(found.catalog_path, create=False)
    try:
        asked = Context(found, handle, Selection(batches=tuple(ids)))
        outcome = action_named("batch.script").run(asked, options)
    finally:
        handle.close()
    if call.json:
        write_json(dict(outcome.numbers))
        return
    for line in outcome.text.splitlines():
        say(safe(line.replace("\t", "    ")))
    for remark in outcome.numbers["remarks"]:
        note(safe(remark))
