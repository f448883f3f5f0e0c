"""How the Health screen's lists look: failures by class, and what happened."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from bocr_tui.report.happenings import Happening
from bocr_tui.ui import wording
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.widgets.columns import Cell, Column, bar, text_cell

BAR_CELLS = 12

MARK_ID = -1
"""The id of the line that says since when one was away."""

SIGNS = {
    "job": ("»", "busy"),
    "submit": ("»", "busy"),
    "resubmit": ("»", "busy"),
    "plan": ("·", "muted"),
    "unplan": ("·", "muted"),
    "journal": ("!", "warning"),
    "upload": ("↑", "busy"),
    "site": ("●", "accent"),
    "autopilot": ("●", "accent"),
    "clean": ("–", "muted"),
}
"""Kind of event → a sign and a tone; of a kind that is not named: a dot."""

BAD_WORDS = ("error", "lost", "rejected", "walltime", "memory", "failed", "not uploaded", "quarantin")
"""In an event's words: something that a person would look at."""


@dataclass(frozen=True)
class FailureRow:
    """A class of failure, how many pages have it, and how many have the commonest."""

    name: str
    pages: int
    most: int

    @property
    def id(self) -> int:
        return zlib.crc32(self.name.encode())


class FailureSheet:
    """Classes of failure, the commonest first."""

    columns = (
        Column("Failed pages", least=12),
        Column("", width=BAR_CELLS, from_width=42),
        Column("Pages", width=8, align="right"),
    )

    def cells(self, row: FailureRow) -> tuple[Cell, ...]:
        return (
            text_cell(wording.plain(row.name)),
            bar(BAR_CELLS, ((row.pages, "failed"),), row.most),
            text_cell(wording.count(row.pages), "failed"),
        )


class HappeningSheet:
    """The timeline."""

    columns = (
        Column("When", width=11),
        Column("", width=1),
        Column("Site", width=10, from_width=84),
        Column("What happened", least=20, words=True),
    )

    def cells(self, row: Happening) -> tuple[Cell, ...]:
        if row.id == MARK_ID:
            return (text_cell(""), text_cell(""), text_cell(""), text_cell(row.text, "accent"))
        sign, tone = sign_of(row)
        times = f"  ×{row.count}" if row.count > 1 else ""
        return (
            text_cell(wording.clock(row.at)[-11:], "muted"),
            text_cell(sign, tone),
            text_cell(row.site, "muted"),
            ((clean(row.text), "warning" if tone == "warning" else "plain"), (times, "accent")),
        )


def sign_of(row: Happening) -> tuple[str, str]:
    """What went wrong has the sign of it, whatever kind it is."""
    if any(word in row.text.lower() for word in BAD_WORDS):
        return "!", "warning"
    return SIGNS.get(row.kind, ("·", "muted"))
