"""Documents that have pages in no batch yet, for a list."""

from __future__ import annotations

from array import array

from bocr_tui.catalog.list_query import fold
from bocr_tui.catalog.lists import Reader

_NEW = "EXISTS (SELECT 1 FROM page AS p WHERE p.document_id = d.id AND p.state = 'new')"
"""One look into ix_page_document_state for each document."""


def unplanned_documents(reader: Reader, text: str = "", limit: int | None = None) -> array[int]:
    """Ids of readable documents with new pages, by name; `text` is looked for in the name. Raises
    CatalogError."""
    named = " AND instr(folded(d.name), ?) > 0" if text else ""
    sql = (
        f"SELECT d.id FROM document AS d WHERE d.state IN ('ready', 'partial') AND {_NEW}{named}"  # noqa: S608
        " ORDER BY d.name, d.id LIMIT ?"
    )
    values = (*((fold(text),) if text else ()), -1 if limit is None else limit)
    with reader.snapshot() as connection:
        return array("q", (row[0] for row in connection.execute(sql, values)))
