"""`bocr plan`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_SHOWN = 20

PagesOption = Annotated[
    int | None, typer.Option("--pages", min=1, help="About so many pages a batch: batches take equally long.")
]
DocumentsOption = Annotated[int | None, typer.Option("--documents", min=1, help="Documents a batch.")]
SampleOption = Annotated[
    int | None,
    typer.Option(
        "--pages-per-document", min=1, help="Only so many pages of each document, evenly spread over it."
    ),
]


DocumentOption = Annotated[
    list[str] | None,
    typer.Option("--document", help="Only this document, by name, hash or path; may be repeated."),
]
EngineOption = Annotated[
    list[str] | None,
    typer.Option("--engine", help="The engine of a stage, in place of the configured ones; may be repeated."),
]


def plan(
    context: typer.Context,
    pages: PagesOption = None,
    documents: DocumentsOption = None,
    batches: Annotated[int | None, typer.Option("--batches", min=1, help="So many batches.")] = None,
    pages_per_document: SampleOption = None,
    document: DocumentOption = None,
    text: Annotated[str, typer.Option("--text", help="Only documents with this in their names.")] = "",
    site: Annotated[
        str | None, typer.Option("--site", help="Estimate for this site; the configuration's if not said.")
    ] = None,
    engine: EngineOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be planned.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put every page that is new into batches that take equally long."""
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    found = the_workspace(call)
    chosen = _documents(found.catalog_path, document or [], text)
    options = Options(
        site=site,
        stages=tuple(engine or ()),
        batch_pages=pages,
        batch_documents=documents,
        batches=batches,
        pages_per_document=pages_per_document,
        act=not dry_run,
    )
    outcome = act(found, "workspace.plan", Selection(documents=chosen), options)
    if not call.json and outcome.count:
        tell_plan(outcome.numbers)
    answer(call, outcome)


def _documents(catalog: Path, named: list[str], text: str) -> tuple[int, ...]:
    """Ids of the documents that are meant; none: all. Raises UsageError where nothing is meant by it."""
    if not named and not text:
        return ()
    from bocr_tui.catalog.list_query import DocumentFilter
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.choose import documents_named
    from bocr_tui.config.errors import UsageError

    reader = open_reader(catalog)
    try:
        ids = [row.id for said in named for row in documents_named(reader, said)]
        if text:
            like = set(reader.documents.ids(DocumentFilter(text=text), "added"))
            ids = [each for each in ids if each in like] if named else sorted(like)
    finally:
        reader.close()
    if not ids:
        raise UsageError(f"No document has {text!r} in its name.", "`bocr documents` lists them.")
    return tuple(dict.fromkeys(ids))


def tell_plan(numbers: Mapping[str, Any]) -> None:
    """The batches, how long they take, how level they are."""
    from bocr_tui.actions.words import counted
    from bocr_tui.cli.output import duration, say, show, table

    batches = numbers["batches"]
    rows = [
        (batch["name"], batch["documents"], batch["pages"], duration(batch["estimated_s"]))
        for batch in batches[:_SHOWN]
    ]
    right = ("Documents", "Pages", "Estimated")
    show(table("", ("Batch", "Documents", "Pages", "Estimated"), rows, right))
    if len(batches) > _SHOWN:
        say(f"Showing {_SHOWN} of {len(batches):,} batches.")
    slots = f"{numbers['slots']} at once" if numbers["slots"] > 1 else "one after another"
    hours = "" if numbers["gpu_hours"] is None else f", {numbers['gpu_hours']:,.1f} GPU hours"
    say(
        f"Estimated {duration(numbers['estimated_slots_s'])} ({numbers['estimated_from']}), {slots}{hours}; "
        f"the longest batch is {max(0.0, 100 * (numbers['spread'] - 1)):.1f} % above the ideal."
    )
    for what, count in numbers["skipped"].items():
        things, state = what.split(" ", 1)
        say(f"Passed over: {counted(count, things.removesuffix('s'))} {state.replace('_', ' ')}.")
