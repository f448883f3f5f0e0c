"""Which pages are meant: all of a document, or a few spread over it."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import Connection

from bocr_tui.catalog.words import READABLE, PageState


@dataclass(frozen=True)
class DocumentPages:
    """The pages of one document that wait to be read: ids in the order of their numbers."""

    document_id: int
    language: str | None
    page_ids: array[int]


@dataclass(frozen=True)
class Selection:
    """Documents with pages to read, and how many pages and documents were passed over, by state.

    `sampled_out` counts pages in state `new` that `pages_per_document` left out.
    """

    documents: tuple[DocumentPages, ...]
    sampled_out: int = 0
    other_pages: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def spread_numbers(pages: int, wanted: int) -> frozenset[int]:
    """`wanted` page numbers of 1 to `pages`, evenly spread, the first and the last among them.

    The same for the same document each time, so that a second run means the same pages.
    """
    if wanted >= pages:
        return frozenset(range(1, pages + 1))
    if wanted <= 1:
        return frozenset({1})
    return frozenset(1 + round(place * (pages - 1) / (wanted - 1)) for place in range(wanted))


def select_new_pages(
    connection: Connection, document_ids: Sequence[int] | None, pages_per_document: int | None
) -> Selection:
    """Pages in state `new` of readable documents, documents in the order of their import."""
    documents: list[DocumentPages] = []
    sampled_out = 0
    current: DocumentPages | None = None
    for document_id, language, count, page_id, number in _rows(
        connection, document_ids, " AND page.state = 'new'"
    ):
        if pages_per_document is not None and number not in spread_numbers(count, pages_per_document):
            sampled_out += 1
            continue
        if current is None or current.document_id != document_id:
            current = DocumentPages(document_id, language, array("q"))
            documents.append(current)
        current.page_ids.append(page_id)
    return Selection(
        tuple(documents),
        sampled_out,
        _other_pages(connection, document_ids),
        _unreadable(connection, document_ids),
    )


def selected_page_ids(
    connection: Connection, document_ids: Sequence[int] | None, pages_per_document: int | None
) -> array[int]:
    """Every page that is meant, whatever its state: what a run has to account for at its end. Pages that
    cannot be loaded are among them."""
    return array(
        "q",
        (
            page_id
            for _, _, count, page_id, number in _rows(connection, document_ids, "")
            if pages_per_document is None or number in spread_numbers(count, pages_per_document)
        ),
    )


def _rows(
    connection: Connection, document_ids: Sequence[int] | None, condition: str
) -> Iterator[tuple[int, str | None, int, int, int]]:
    chosen, values = _chosen(document_ids)
    states = ", ".join(f"'{state}'" for state in sorted(READABLE))
    yield from connection.exec_driver_sql(
        "SELECT document.id, document.language, document.page_count, page.id, page.number"  # noqa: S608
        f" FROM document CROSS JOIN page ON page.document_id = document.id{condition}"
        f" WHERE document.state IN ({states}){chosen} ORDER BY document.id, page.number",
        values,
    )


def _other_pages(connection: Connection, document_ids: Sequence[int] | None) -> dict[str, int]:
    chosen, values = _chosen(document_ids)
    rows = connection.exec_driver_sql(
        "SELECT page.state, count(*) FROM document CROSS JOIN page ON page.document_id = document.id"  # noqa: S608
        f" WHERE page.state <> '{PageState.NEW}'{chosen} GROUP BY page.state",
        values,
    )
    return dict(sorted((state, count) for state, count in rows))


def _unreadable(connection: Connection, document_ids: Sequence[int] | None) -> dict[str, int]:
    chosen, values = _chosen(document_ids)
    states = ", ".join(f"'{state}'" for state in sorted(READABLE))
    rows = connection.exec_driver_sql(
        f"SELECT state, count(*) FROM document WHERE state NOT IN ({states}){chosen} GROUP BY state",  # noqa: S608
        values,
    )
    return dict(sorted((state, count) for state, count in rows))


def _chosen(document_ids: Sequence[int] | None) -> tuple[str, tuple[str, ...]]:
    """The ids travel as one JSON value, so their number has no limit."""
    if document_ids is None:
        return "", ()
    return " AND document.id IN (SELECT value FROM json_each(?))", (json.dumps(list(document_ids)),)
