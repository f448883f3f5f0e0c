"""The end of a run, a watch or a demo: the figures, as a table or as one JSON object, and the exit code."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from bocr_tui.actions.words import counted
from bocr_tui.catalog.database import open_catalog
from bocr_tui.catalog.scope import Scope
from bocr_tui.catalog.words import PageState
from bocr_tui.cli.call import EXIT_ERROR, EXIT_LEFT, EXIT_OK, Call
from bocr_tui.cli.follow import follow
from bocr_tui.cli.output import duration, figures, note, say, show, table, write_json
from bocr_tui.report.summary import Summary, summarise
from bocr_tui.report.waiting import Waiting

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace


def run_record(summary: Summary, seconds: float) -> dict[str, Any]:
    """What `--json` promises: these keys, for good."""
    return {
        "documents": summary.documents,
        "pages": summary.pages,
        "ok": summary.ok,
        "failed": summary.failed,
        "gave_up": summary.gave_up,
        "unreadable": summary.unreadable,
        "failures": summary.failures,
        "seconds": round(seconds, 3),
    }


def tell_end(call: Call, summary: Summary, seconds: float) -> None:
    """Print the figures; on standard error what is left to do."""
    if call.json:
        write_json(run_record(summary, seconds))
    else:
        show_summary(summary, seconds)
    if summary.waiting:
        note(Waiting(summary.pages_by_state.get(PageState.NEW, 0), _planned(summary)).next_step)
    if summary.live:
        said = counted(summary.live, "page")
        note(f"{said} not read: their jobs did not get to them. `bocr status` says more.")


def _planned(summary: Summary) -> int:
    """Nothing is under way at the end, so what is planned is not submitted, or went back to its batch."""
    return summary.pages_by_state.get(PageState.PLANNED, 0)


def exit_code(summary: Summary) -> int:
    """0 all well, 3 with pages or documents that have no text, 1 with pages nobody got to."""
    if summary.pages != summary.settled:
        return EXIT_ERROR
    return EXIT_OK if summary.well else EXIT_LEFT


def show_summary(summary: Summary, seconds: float) -> None:
    """For people: what became of everything."""
    show(figures(_figures(summary, seconds)))
    if summary.failures or summary.recovered:
        classes = sorted({*summary.failures, *summary.recovered})
        rows = [
            (name, summary.failures.get(name, 0) or "", summary.recovered.get(name, 0) or "")
            for name in classes
        ]
        columns = ("Failure class", "Still failed", "Recovered")
        show(table("", columns, rows, ("Still failed", "Recovered")))
    if summary.failed or summary.gave_up:
        say("`bocr pages --state failed --state gave_up` lists the failed pages.")
    if summary.unreadable:
        say("`bocr documents` gives the reason of each document that could not be read.")


def _figures(summary: Summary, seconds: float) -> list[tuple[str, str, str]]:
    states = ", ".join(f"{count:,} {state}" for state, count in summary.documents_by_state.items())
    later = f"{summary.later_stage:,} of them by a later stage" if summary.later_stage else ""
    rows = [
        (f"{summary.documents:,}", "documents", states),
        (f"{summary.pages:,}", "pages", f"in {duration(seconds)}" if seconds else ""),
        (f"{summary.ok:,}", "ok", later),
        (f"{summary.failed:,}", "failed", ""),
        (f"{summary.gave_up:,}", "gave up", ""),
        (f"{summary.unreadable:,}", "unreadable documents", ""),
    ]
    if summary.waiting:
        rows.append((f"{summary.waiting:,}", "not submitted", ""))
    if summary.ignored:
        rows.append((f"{summary.ignored:,}", "ignored", ""))
    return rows


def watch_and_tell(
    call: Call,
    workspace: Workspace,
    page_ids: Sequence[int] | None = None,
    also: Callable[[], None] | None = None,
) -> NoReturn:
    """Drive until nothing is under way, tell, and end with the exit code. None: every page. `also` tells
    people what there is to say beside the figures."""
    began_s = time.monotonic()
    catalog = open_catalog(workspace.catalog_path, create=False)
    try:
        follow(workspace, catalog, Scope(page_ids=page_ids))
        summary = summarise(catalog, page_ids=page_ids)
    finally:
        catalog.close()
    tell_end(call, summary, time.monotonic() - began_s)
    if also is not None and not call.json:
        also()
    raise typer.Exit(exit_code(summary) if page_ids is not None else _watched(summary))


def _watched(summary: Summary) -> int:
    """Pages that were never submitted are no fault of a watch."""
    return EXIT_OK if summary.well else EXIT_LEFT
