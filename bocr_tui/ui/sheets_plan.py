"""How the Plan screen's two lists look: what is in no batch yet, and batches that nobody has sent."""

from __future__ import annotations

from bocr_tui.catalog.list_rows import BatchRow, DocumentRow
from bocr_tui.catalog.words import PageState
from bocr_tui.ui import wording
from bocr_tui.ui.widgets.columns import Cell, Column, text_cell


class UnplannedSheet:
    """Documents with new pages."""

    columns = (
        Column("Not planned yet", least=8, middle=True),
        Column("New", width=6, align="right"),
        Column("of", width=6, align="right", from_width=38),
        Column("Language", width=8, from_width=56),
    )

    def cells(self, row: DocumentRow) -> tuple[Cell, ...]:
        return (
            text_cell(row.name),
            text_cell(wording.count(row.tally.of(PageState.NEW))),
            text_cell(wording.count(row.page_count), "muted"),
            text_cell(row.language or wording.UNKNOWN, "muted"),
        )


class PlannedSheet:
    """Batches that wait to be submitted."""

    columns = (
        Column("Planned batch", least=7),
        Column("Pages", width=6, align="right"),
        Column("Documents", width=9, align="right", from_width=52),
        Column("Estimate", width=9, align="right", from_width=34),
    )

    def cells(self, row: BatchRow) -> tuple[Cell, ...]:
        return (
            text_cell(row.name),
            text_cell(wording.count(row.pages)),
            text_cell(wording.count(row.documents), "muted"),
            text_cell(wording.duration(row.estimated_s), "muted"),
        )
