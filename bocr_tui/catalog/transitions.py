"""The one place where a state changes. A move that `words` does not list is refused, whoever asks.

New rows are inserted with their first state; every later change of `state` goes through here, in the
caller's transaction, so that the row, its denormalised columns and what caused them commit together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select, update

from bocr_tui.catalog import core
from bocr_tui.catalog.database import now
from bocr_tui.catalog.words import (
    BATCH_MOVES,
    DOCUMENT_MOVES,
    JOB_MOVES,
    PAGE_MOVES,
    BatchState,
    DocumentState,
    JobState,
    PageState,
)
from bocr_tui.config.errors import CatalogError

_CHUNK = 500
"""Ids in one statement: well under SQLite's limit of bound values."""


class IllegalMove(CatalogError):
    """A state was asked to follow one that it may not follow: a bug of ours, never the person's fault."""

    def __init__(self, thing: str, number: int, source: str, target: str) -> None:
        super().__init__(
            f"{thing} {number} cannot go from {source} to {target}.",
            "Nothing was changed. Please report this with the catalog's event list.",
        )


def sources_of(moves: Mapping[Any, frozenset[Any]], target: StrEnum) -> tuple[str, ...]:
    """The states from which `target` may be reached."""
    return tuple(str(state) for state, targets in moves.items() if target in targets)


def chunked(ids: Iterable[int], size: int = _CHUNK) -> Iterable[list[int]]:
    """Ids in lists short enough for one statement."""
    chunk: list[int] = []
    for entry in ids:
        chunk.append(entry)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def move_pages(connection: Connection, page_ids: Iterable[int], target: PageState, **columns: Any) -> int:
    """Move the pages that may go to `target`; the others stay as they are. Returns how many moved.

    `columns` are written with the state. A page that is `ok` cannot be made `running` by a late event, a
    page that a person ignored stays ignored: that is the table's doing, and no error.
    """
    table = core.page
    moved = 0
    allowed = sources_of(PAGE_MOVES, target)
    for ids in chunked(page_ids):
        statement = (
            update(table)
            .where(table.c.id.in_(ids), table.c.state.in_(allowed))
            .values(state=str(target), changed_at=now(), **columns)
        )
        moved += connection.execute(statement).rowcount
    return moved


def move_each_page(
    connection: Connection, rows: Sequence[Mapping[str, Any]], target: PageState, names: Sequence[str]
) -> int:
    """Like move_pages, with columns of its own for each page: `rows` hold `page` (the id) and the `names`.

    One prepared statement, executed many times: what the ingest needs.
    """
    if not rows:
        return 0
    table = core.page
    statement = (
        update(table)
        .where(table.c.id == bindparam("page"), table.c.state.in_(sources_of(PAGE_MOVES, target)))
        .values(state=str(target), changed_at=now(), **{name: bindparam(name) for name in names})
    )
    return connection.execute(statement, list(rows)).rowcount


def move_job(connection: Connection, job_id: int, target: JobState, **columns: Any) -> None:
    """Raises IllegalMove."""
    _move_one(connection, core.job, "Job", JOB_MOVES, job_id, target, columns)


def move_batch(connection: Connection, batch_id: int, target: BatchState, **columns: Any) -> None:
    """Raises IllegalMove."""
    _move_one(connection, core.batch, "Batch", BATCH_MOVES, batch_id, target, columns)


def move_document(connection: Connection, document_id: int, target: DocumentState, **columns: Any) -> None:
    """Raises IllegalMove."""
    _move_one(connection, core.document, "Document", DOCUMENT_MOVES, document_id, target, columns)


def _move_one(
    connection: Connection,
    table: Table,
    thing: str,
    moves: Mapping[Any, frozenset[Any]],
    number: int,
    target: StrEnum,
    columns: Mapping[str, Any],
) -> None:
    allowed = (*sources_of(moves, target), str(target))
    statement = (
        update(table)
        .where(table.c.id == number, table.c.state.in_(allowed))
        .values(state=str(target), **columns)
    )
    if connection.execute(statement).rowcount != 1:
        current = connection.execute(select(table.c.state).where(table.c.id == number)).scalar()
        raise IllegalMove(thing, number, str(current), str(target))
