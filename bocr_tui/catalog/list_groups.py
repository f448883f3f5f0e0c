# ruff: noqa: S608 - SQL is put together here from our own names; every value is bound
"""Pages summed up: how many of each class, engine, document and state a filter leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bocr_tui.catalog.list_query import PageFilter, page_where
from bocr_tui.catalog.lists import Reader

GroupBy = Literal["class", "engine", "document", "state"]

GROUPS_SHOWN = 200
"""Groups handed out, the largest first: more than a person picks from by eye."""

_COLUMNS = {"class": "failure", "engine": "engine", "document": "document_id", "state": "state"}


@dataclass(frozen=True)
class Group:
    """`rows` pages have this `name`; of a document it is the document's."""

    name: str
    rows: int


def group_pages(reader: Reader, wanted: PageFilter, by: GroupBy) -> list[Group]:
    """The largest groups first. Pages without a class or an engine are in none. A million pages take some
    tenths of a second. Raises CatalogError."""
    column = _COLUMNS[by]
    where, parameters = page_where(wanted)
    known = f"{column} IS NOT NULL"
    sql = (
        f"SELECT {column}, count(*) FROM page WHERE {' AND '.join([*where, known])} "
        f"GROUP BY {column} ORDER BY 2 DESC, 1 LIMIT {GROUPS_SHOWN}"
    )
    if by == "document":
        sql = f"SELECT d.name, g.n FROM ({sql.replace('count(*)', 'count(*) AS n')}) AS g JOIN document AS d"
        sql += " ON d.id = g.document_id ORDER BY g.n DESC, d.name"
    with reader.snapshot() as connection:
        return [Group(str(name), int(rows)) for name, rows in connection.execute(sql, parameters)]
