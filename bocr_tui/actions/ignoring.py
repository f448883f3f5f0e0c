"""What ignoring pages means for the export, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bocr_tui.actions.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bocr_tui.catalog.database import Catalog


def text_lost(catalog: Catalog, page_ids: Sequence[int]) -> str:
    """How many of these pages are read and would lose their place in exports; empty where none is. Raises
    CatalogError."""
    from sqlalchemy import func, select

    from bocr_tui.catalog import core
    from bocr_tui.catalog.transitions import chunked
    from bocr_tui.catalog.words import PageState

    page, read = core.page.c, 0
    with catalog.reading() as connection:
        for part in chunked(page_ids):
            wanted = select(func.count()).where(page.id.in_(part), page.state == str(PageState.OK))
            read += connection.execute(wanted).scalar_one()
    if not read:
        return ""
    them, text = ("it", "its text leaves") if read == 1 else ("they", "their text leaves")
    verb = "is" if read == 1 else "are"
    return f"{counted(read, 'page')} of these {verb} read: {text} the export until {them} {verb} reset."
