"""How the list of sites looks."""

from __future__ import annotations

import time

from bocr_tui.catalog.lists_sites import SiteRow
from bocr_tui.ui import wording
from bocr_tui.ui.telling_sites import ago, job_counts, link_words, upload_share, why
from bocr_tui.ui.widgets.columns import Cell, Column, text_cell


class SiteSheet:
    """Sites, one a line. Ages are those of the moment in which a row is drawn."""

    columns = (
        Column("Site", least=8, weight=2),
        Column("Connection", width=16),
        Column("Jobs", least=12, weight=3, words=True),
        Column("Read", width=9, align="right"),
        Column("Asked", width=9, align="right"),
        Column("Upload", width=12, from_width=84),
        Column("Why", least=16, weight=4, from_width=110, words=True),
    )

    def cells(self, row: SiteRow) -> tuple[Cell, ...]:
        now = time.time()
        link, tone = link_words(row, now)
        jobs = job_counts(row)
        return (
            text_cell(row.name),
            text_cell(link, tone),
            text_cell(jobs or wording.UNKNOWN, "plain" if jobs else "muted"),
            text_cell(ago(row.polled_at, now), "muted"),
            text_cell(ago(row.looked_at, now), "warning" if row.look_problem else "muted"),
            text_cell(upload_share(row), "busy"),
            text_cell(why(row), "warning" if row.is_troubled else "muted"),
        )
