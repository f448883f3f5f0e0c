"""`bocr documents` and `bocr pages`"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocr_tui.cli.call import Call, JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.output import numbered, safe, say, show, stream_json, table

if TYPE_CHECKING:
    from bocr_tui.catalog.list_rows import DocumentRow, PageRow
    from bocr_tui.catalog.lists import Reader

SHOWN = 50
"""Rows of a table, unless more are asked for: what a person reads before filtering."""

COUNTED_TO = 10_000
"""Beyond it a list that is cut off says `more than`, as the panel's filters do: a count takes no time."""

LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first ones.")]


def filter_option(example: str) -> Any:
    """What narrows a list as `/` does in the panel."""
    return typer.Option("--filter", metavar="WORDS", help=f"As in the panel: '{example}'.")


FilterOption = Annotated[str, filter_option("class:repetition conf<80 -doc:draft")]
DocumentWords = Annotated[str, filter_option("state:partial pages>100 added<2d")]
AllOption = Annotated[bool, typer.Option("--all", help=f"A table of all rows, not of the first {SHOWN}.")]


def documents(
    context: typer.Context,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only in this state; may be repeated.")
    ] = None,
    text: Annotated[str, typer.Option("--text", help="Only with this in the name.")] = "",
    words: DocumentWords = "",
    limit: LimitOption = None,
    everything: AllOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the documents, with what intake found."""
    from bocr_tui.catalog.filter_fields import DOCUMENT_FIELDS
    from bocr_tui.catalog.filter_language import parse
    from bocr_tui.catalog.list_query import DocumentFilter

    call = call_of(context)
    reader = open_the_reader(call)
    wanted = DocumentFilter(_document_states(state or []), text, parse(words, DOCUMENT_FIELDS))
    if call.json:
        rows = reader.documents.each(wanted, "name")
        stream_json(_document_record(row) for row in itertools.islice(rows, limit))
        return
    ids = reader.documents.ids(wanted, "name", limit=limit)
    columns = ("Document", "Pages", "ok", "failed", "State", "Reason", "sha256")
    shown = reader.documents.rows(ids if everything else ids[:SHOWN])
    show(table("", columns, map(_document_cells, shown), ("Pages", "ok", "failed")))
    count = partial(reader.documents.count, wanted, "name")
    say_how_many(len(shown), len(ids), "documents", "document", limit=limit, count=count)


def pages(
    context: typer.Context,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only in this state; may be repeated.")
    ] = None,
    failure: Annotated[
        list[str] | None, typer.Option("--class", help="Only with this failure class; may be repeated.")
    ] = None,
    document: Annotated[
        str | None, typer.Option("--document", help="Only of this document: name, path or sha256.")
    ] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="Only read by this engine.")] = None,
    words: FilterOption = "",
    limit: LimitOption = None,
    everything: AllOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the pages, in the order they were imported."""
    from bocr_tui.catalog.filter_fields import PAGE_FIELDS
    from bocr_tui.catalog.filter_language import parse
    from bocr_tui.cli.choose import page_filters

    call = call_of(context)
    terms = parse(words, PAGE_FIELDS)
    reader = open_the_reader(call)
    filters = [
        replace(wanted, terms=terms)
        for wanted in page_filters(reader, state or [], failure or [], document, engine)
    ]
    rows = itertools.islice(_each_page(reader, filters), limit)
    if call.json:
        stream_json(map(_page_record, rows))
        return
    found = sum(len(reader.pages.ids(wanted, "place", limit=limit)) for wanted in filters)
    found = min(found, limit or found)
    columns = ("Document", "Page", "State", "Class", "Engine", "Tries", "Confidence")
    shown = list(rows if everything else itertools.islice(rows, SHOWN))
    show(table("", columns, map(_page_cells, shown), ("Page", "Tries", "Confidence")))

    def count(most: int) -> int:
        return sum(reader.pages.count(wanted, "place", most) for wanted in filters)

    say_how_many(len(shown), found, "pages", "page", limit=limit, count=count)


def open_the_reader(call: Call) -> Reader:
    """The catalog for reading, without the libraries that writing needs."""
    from bocr_tui.catalog.lists import open_reader

    return open_reader(the_workspace(call).catalog_path)


def _document_states(names: list[str]) -> tuple[str, ...]:
    from bocr_tui.catalog.words import DocumentState
    from bocr_tui.config.errors import UsageError

    known = {str(state) for state in DocumentState}
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no document state {name!r}.", f"There are: {', '.join(sorted(known))}."
            )
    return tuple(names)


def _each_page(reader: Reader, filters: list[Any]) -> Iterator[PageRow]:
    for wanted in filters:
        yield from reader.pages.each(wanted, "place")


def _document_record(row: DocumentRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "sha256": row.sha256,
        "pages": row.page_count,
        "state": row.state,
        "reason": row.reason,
    }


def _document_cells(row: DocumentRow) -> tuple[object, ...]:
    tally = row.tally
    return row.name, row.page_count, tally.ok, tally.failed, row.state, row.reason, row.sha256[:12]


def _page_record(row: PageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "document": row.document,
        "number": row.number,
        "state": row.state,
        "class": row.failure,
        "engine": row.engine,
        "attempts": row.attempts,
        "confidence": row.confidence,
    }


def _page_cells(row: PageRow) -> tuple[object, ...]:
    sure = numbered(row.confidence)
    return safe(row.document), row.number, row.state, row.failure, row.engine, row.attempts, sure


def say_how_many(
    shown: int,
    found: int,
    things: str,
    thing: str,
    *,
    limit: int | None = None,
    count: Callable[[int], int] | None = None,
) -> None:
    """Below a table: whether it is all there is. Where `limit` cut it off, `count` says how many there are,
    counted to what it is given."""
    if shown < found:
        say(f"Showing {shown:,} of {found:,} {things}; --all shows them all.")
        return
    total = count(COUNTED_TO + 1) if count is not None and limit == found else found
    if total <= found:
        say(f"{found:,} {things if found != 1 else thing}.")
    elif total > COUNTED_TO:
        say(f"{found:,} of more than {max(found, COUNTED_TO):,} {things}.")
    else:
        say(f"{found:,} of {total:,} {things}.")
