"""`bocr unplan`"""

from __future__ import annotations

from typing import Annotated

import typer

from bocr_tui.cli.call import Call, JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.commands.lists import filter_option
from bocr_tui.config.errors import UsageError


def unplan(
    context: typer.Context,
    batches: Annotated[
        list[str] | None, typer.Argument(metavar="[BATCH]...", help="Batches by name.")
    ] = None,
    words: Annotated[str, filter_option("state:planned pages>500 created<2h")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take planned batches apart: their pages are new again.

    A batch of which anything was ever submitted is refused, and so is one that the autopilot would submit.
    """
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    chosen = Selection(batches=_chosen(call, batches or [], words))
    options, shown = Options(act=not dry_run), ("Taking apart", "batches")
    answer(call, act(the_workspace(call), "batch.unplan", chosen, options, progress=shown))


def _chosen(call: Call, names: list[str], words: str) -> tuple[int, ...]:
    """Ids of the batches that are named and fit the filter. Raises UsageError for none, and for no words."""
    from bocr_tui.catalog.filter_fields import BATCH_FIELDS
    from bocr_tui.catalog.filter_language import parse
    from bocr_tui.catalog.list_query import BatchFilter
    from bocr_tui.cli.commands.jobs import batches_named
    from bocr_tui.cli.commands.lists import open_the_reader

    terms = parse(words, BATCH_FIELDS)
    if not names and not terms:
        raise UsageError(
            "This would be every batch.", "Name some, or say which: --filter state:planned is all planned."
        )
    reader = open_the_reader(call)
    try:
        named = batches_named(reader, names)
        fit = reader.batches.ids(BatchFilter(terms=terms), "oldest") if terms else named
    finally:
        reader.close()
    only = set(named)
    ids = tuple(each for each in fit if not names or each in only)
    if not ids:
        raise UsageError("No batch is meant by that.", "`bocr batches` takes the same filter and lists them.")
    return ids
