"""Pages into batches, in the catalog: select, estimate, balance, write."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import chunked, move_pages
from bocr_tui.catalog.words import BatchState, PageState
from bocr_tui.config.errors import UsageError
from bocr_tui.config.model import Config
from bocr_tui.planning.balance import Balance, Item, Piece, balance
from bocr_tui.planning.costs import Costs, pipeline_costs
from bocr_tui.planning.numbering import batch_name, next_number
from bocr_tui.planning.selection import DocumentPages, select_new_pages

BATCHES_A_TRANSACTION = 25
"""At 200 pages a batch: 5,000 pages, written in a fraction of a second."""

MOST_BATCHES = 100_000
"""More batches than this at once are a slip of the hand, not a plan."""


@dataclass(frozen=True)
class PlannedBatch:
    """One batch. `batch_id` is None in a dry run; `documents` counts documents of which it holds pages."""

    name: str
    pages: int
    documents: int
    estimated_s: float
    batch_id: int | None = None


@dataclass(frozen=True)
class Plan:
    """What was, or in a dry run would be, planned.

    `estimated_s` is all batches one after another, `estimated_slots_s` with as many at once as the site
    has `slots`. `spread` is the longest batch over the shortest it could be. `skipped` says in words and
    numbers what was passed over.
    """

    batches: tuple[PlannedBatch, ...]
    pages: int
    documents: int
    estimated_s: float
    estimated_slots_s: float
    slots: int
    spread: float
    costs: Costs
    skipped: tuple[tuple[str, int], ...] = ()
    dry_run: bool = False

    @property
    def batch_ids(self) -> tuple[int, ...]:
        return tuple(batch.batch_id for batch in self.batches if batch.batch_id is not None)


def plan(
    catalog: Catalog,
    config: Config,
    *,
    pages: int | None = None,
    documents: int | None = None,
    batches: int | None = None,
    document_ids: Sequence[int] | None = None,
    pages_per_document: int | None = None,
    dry_run: bool = False,
) -> Plan:
    """Put every page in state `new` (of `document_ids`, where given) into a batch.

    At most one of `pages` a batch (default: the configuration's), `documents` a batch and the number of
    `batches` is given. `pages_per_document` takes only so many pages of each document, evenly spread.
    Raises UsageError for sizes that make no sense.
    """
    _check(pages, documents, batches, pages_per_document)
    if documents is None and batches is None and pages is None:
        pages = config.planning.pages
    with catalog.reading() as connection:
        selection = select_new_pages(connection, document_ids, pages_per_document)
        costs = pipeline_costs(connection, config)
        balanced = balance(
            _items(selection.documents, costs), pages=pages, documents=documents, batches=batches
        )
        if len(balanced.batches) > MOST_BATCHES:
            raise UsageError(
                f"This would make {len(balanced.batches):,} batches.", "Ask for larger ones (--pages)."
            )
        rows = _describe(balanced, first=next_number(connection))
    if not dry_run and rows:
        rows = _write(catalog, rows, balanced, selection.documents)
    skipped = [(f"documents {state}", count) for state, count in selection.unreadable.items()]
    skipped += [(f"pages {state}", count) for state, count in selection.other_pages.items()]
    skipped += [("pages not sampled", selection.sampled_out)] if selection.sampled_out else []
    site = config.sites.get(config.site)
    slots = site.slots if site else 1
    return Plan(
        batches=rows,
        pages=sum(row.pages for row in rows),
        documents=len(selection.documents),
        estimated_s=sum(balanced.loads_s),
        estimated_slots_s=_makespan_s(balanced.loads_s, slots),
        slots=slots,
        spread=balanced.spread,
        costs=costs,
        skipped=tuple(skipped),
        dry_run=dry_run,
    )


def _check(
    pages: int | None, documents: int | None, batches: int | None, pages_per_document: int | None
) -> None:
    sizes = {"--pages": pages, "--documents": documents, "--batches": batches}
    given = [name for name, size in sizes.items() if size is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other.", "Give one of them.")
    for name, size in (*sizes.items(), ("--pages-per-document", pages_per_document)):
        if size is not None and size < 1:
            raise UsageError(f"{name} {size} is no size.", "Give a number of at least 1.")


def _items(documents: Sequence[DocumentPages], costs: Costs) -> list[Item]:
    page_s: dict[str | None, float] = {}
    items = []
    for document in documents:
        language = document.language
        if language not in page_s:
            page_s[language] = costs.page_s(language)
        count = len(document.page_ids)
        items.append(Item(document.document_id, count, count * page_s[language]))
    return items


def _describe(balanced: Balance, first: int) -> tuple[PlannedBatch, ...]:
    return tuple(
        PlannedBatch(
            name=batch_name(number),
            pages=sum(piece.pages for piece in pieces),
            documents=len({piece.document_id for piece in pieces}),
            estimated_s=load_s,
        )
        for number, (pieces, load_s) in enumerate(zip(balanced.batches, balanced.loads_s, strict=True), first)
    )


def _write(
    catalog: Catalog,
    rows: Sequence[PlannedBatch],
    balanced: Balance,
    documents: Sequence[DocumentPages],
) -> tuple[PlannedBatch, ...]:
    """Insert the batches and move their pages, some batches a transaction: whoever else writes waits for a
    fraction of a second, not for a million pages. Cut short, it leaves whole batches and pages still new."""
    page_ids = {document.document_id: document.page_ids for document in documents}
    written: list[PlannedBatch] = []
    pairs = list(zip(rows, balanced.batches, strict=True))
    for start in range(0, len(pairs), BATCHES_A_TRANSACTION):
        with catalog.writing() as connection:
            number = next_number(connection)
            for row, pieces in pairs[start : start + BATCHES_A_TRANSACTION]:
                ids = _still_new(connection, _ids_of(pieces, page_ids))
                if ids:
                    written.append(_write_batch(connection, number, row, ids))
                    number += 1
    total = sum(row.pages for row in written)
    with catalog.writing() as connection:
        note(connection, "plan", f"Planned {total:,} pages in {_counted(len(written), 'batch', 'batches')}.")
    return tuple(written)


def _write_batch(connection: Connection, number: int, row: PlannedBatch, ids: Sequence[int]) -> PlannedBatch:
    """The number is the id too: one that SQLite chose could be that of a batch that was taken apart."""
    name = batch_name(number)
    connection.exec_driver_sql(
        "INSERT INTO batch (id, name, state, pages, documents, estimated_s, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, name, str(BatchState.PLANNED), len(ids), row.documents, row.estimated_s, now()),
    )
    move_pages(connection, ids, PageState.PLANNED, batch_id=number)
    return PlannedBatch(name, len(ids), row.documents, row.estimated_s, number)


def _still_new(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Without those that another plan took since they were selected."""
    new: list[int] = []
    for part in chunked(ids):
        marks = ", ".join("?" * len(part))
        statement = f"SELECT id FROM page WHERE state = 'new' AND id IN ({marks})"  # noqa: S608 - marks
        found = {page_id for (page_id,) in connection.exec_driver_sql(statement, tuple(part))}
        new += [page_id for page_id in part if page_id in found]
    return new


def _ids_of(pieces: Sequence[Piece], page_ids: dict[int, array[int]]) -> array[int]:
    chosen = array("q")
    for piece in pieces:
        chosen.extend(page_ids[piece.document_id][piece.first - 1 : piece.last])
    return chosen


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _makespan_s(loads_s: Sequence[float], slots: int) -> float:
    """How long the batches take in their order, each started when a slot is free."""
    free_s = [0.0] * min(slots, max(1, len(loads_s)))
    for load_s in loads_s:
        heapq.heapreplace(free_s, free_s[0] + load_s)
    return max(free_s)
