"""Every page of a batch, a document or the catalog as one byte: what a map of pages is drawn from.

SQLite puts the bytes together itself, so that a million pages become one Python object and not a million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.words import PageState

CODES: dict[str, str] = {
    PageState.NEW: "n",
    PageState.PLANNED: "p",
    PageState.QUEUED: "q",
    PageState.RUNNING: "r",
    PageState.OK: "o",
    PageState.FAILED: "f",
    PageState.GAVE_UP: "g",
    PageState.IGNORED: "i",
}
"""State → its byte; a state that this program does not know is drawn as new."""

_CODE = "CASE state " + " ".join(f"WHEN '{state}' THEN '{code}'" for state, code in CODES.items())


@dataclass(frozen=True)
class MapScope:
    """Which pages; both None: every page there is."""

    batch_id: int | None = None
    document_id: int | None = None

    @property
    def where(self) -> tuple[str, tuple[Any, ...]]:
        if self.document_id is not None:
            return "page WHERE document_id = ?", (self.document_id,)
        if self.batch_id is not None:
            return "page WHERE batch_id = ?", (self.batch_id,)
        return "page NOT INDEXED", ()

    @property
    def order(self) -> str:
        return "number" if self.document_id is not None else "id"


def read_states(reader: Reader, scope: MapScope) -> bytes:
    """One byte a page (CODES), in the order of import, or of a document's page numbers. A million take
    0.16 s of processor time, during which other threads run. Raises CatalogError."""
    table, values = scope.where
    # The rows come ordered from the subquery: group_concat takes them as they come (SQLite keeps an ORDER BY
    # below an aggregate that depends on it).
    sql = (
        f"SELECT group_concat({_CODE} ELSE 'n' END, '') FROM"  # noqa: S608 - our own words
        f" (SELECT state FROM {table} ORDER BY {scope.order})"
    )
    with reader.snapshot() as connection:
        found = connection.execute(sql, values).fetchone()[0]
    return b"" if found is None else str(found).encode("ascii")


def page_at(reader: Reader, scope: MapScope, index: int) -> int | None:
    """The id of the page at `index` of the map; None where there is none. Raises CatalogError."""
    table, values = scope.where
    sql = f"SELECT id FROM {table} ORDER BY {scope.order} LIMIT 1 OFFSET ?"  # noqa: S608 - our own words
    with reader.snapshot() as connection:
        if table.endswith("NOT INDEXED"):
            first, last, many = connection.execute("SELECT min(id), max(id), count(*) FROM page").fetchone()
            if many and last - first + 1 == many:  # no id is missing: no need to count to it
                return int(first) + index if index < many else None
        row = connection.execute(sql, (*values, index)).fetchone()
    return None if row is None else int(row[0])


def index_of(reader: Reader, scope: MapScope, page_id: int) -> int | None:
    """Where a page is on the map; None where it is not on it. Raises CatalogError."""
    table, values = scope.where
    word = "AND" if values else "WHERE"
    with reader.snapshot() as connection:
        there = f"SELECT {scope.order} FROM {table} {word} id = ?"  # noqa: S608 - our own words
        row = connection.execute(there, (*values, page_id)).fetchone()
        if row is None:
            return None
        before = f"SELECT count(*) FROM {table} {word} {scope.order} < ?"  # noqa: S608 - our own words
        return int(connection.execute(before, (*values, row[0])).fetchone()[0])
