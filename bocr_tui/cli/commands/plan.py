"""`bocr plan`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 20

PagesOption = Annotated[int | None, typer.Option("--pages", min=1, help="Pages a batch.")]
DocumentsOption = Annotated[int | None, typer.Option("--documents", min=1, help="Documents a batch.")]
SampleOption = Annotated[
    int | None,
    typer.Option(
        "--pages-per-document", min=1, help="Only so many pages of each document, evenly spread over it."
    ),
]


def plan(
    context: typer.Context,
    pages: PagesOption = None,
    documents: DocumentsOption = None,
    batches: Annotated[int | None, typer.Option("--batches", min=1, help="So many batches.")] = None,
    pages_per_document: SampleOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be planned.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put every page that is new into batches that take equally long."""
    from bocr_tui.actions.action import Options
    from bocr_tui.cli.acting import act, answer

    call = call_of(context)
    options = Options(
        batch_pages=pages,
        batch_documents=documents,
        batches=batches,
        pages_per_document=pages_per_document,
        act=not dry_run,
    )
    outcome = act(the_workspace(call), "workspace.plan", options=options)
    if not call.json and outcome.count:
        tell_plan(outcome.numbers)
    answer(call, outcome)


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
    say(
        f"Estimated {duration(numbers['estimated_slots_s'])}, {slots}; "
        f"the longest batch is {max(0.0, 100 * (numbers['spread'] - 1)):.1f} % above the ideal."
    )
    for what, count in numbers["skipped"].items():
        things, state = what.split(" ", 1)
        say(f"Passed over: {counted(count, things.removesuffix('s'))} {state.replace('_', ' ')}.")
