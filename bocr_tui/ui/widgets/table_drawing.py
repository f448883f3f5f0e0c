"""How a table's lines are drawn: its header, its rows in their columns, or words where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bocr_tui.ui.safe_text import clean, fit, width_of, wrap
from bocr_tui.ui.widgets.columns import GAP, Cell, Column, Placed, fitted, place
from bocr_tui.ui.widgets.row_store import Identified, RowStore
from bocr_tui.ui.widgets.tones import Part, tone_style

Row = TypeVar("Row", bound=Identified)
SheetRow = TypeVar("SheetRow", bound=Identified, contravariant=True)

HEADER_LINES = 1

NOTICE_MARGIN = 4
"""Cells left and right of the words that stand in the place of rows."""


class Sheet(Protocol[SheetRow]):
    """How rows become cells."""

    @property
    def columns(self) -> tuple[Column, ...]: ...

    def cells(self, row: SheetRow, /) -> tuple[Cell, ...]: ...


@dataclass(frozen=True)
class Notice:
    """What a table without rows says: a heading, and what to do."""

    title: str
    hint: str = ""


def notice_parts(notice: Notice, tone: str, width: int) -> list[Part]:
    """The lines of a notice, its heading in `tone`, wrapped and set in the middle of `width` cells."""
    room = max(8, width - 2 * NOTICE_MARGIN)
    lines = [(piece, tone) for piece in wrap(clean(notice.title), room)]
    lines += [(piece, "muted") for piece in wrap(clean(notice.hint), room)]
    return [(" " * ((width - width_of(text)) // 2) + text, tone) for text, tone in lines]


class DrawnTable(ScrollView, Generic[Row]):
    """Draws the rows of a RowStore that are in view; a row that is not read yet is an ellipsis."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--even",
        "table--odd",
        "table--cursor",
        "table--cursor-blurred",
    }

    cursor: reactive[int] = reactive(0, repaint=False)

    def __init__(self, sheet: Sheet[Row], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sheet = sheet
        self._store: RowStore[Row] = RowStore()
        self._placed: tuple[Placed, ...] = ()
        self._placed_for = -1

    def notice(self) -> tuple[Notice, str]:
        """What stands in the place of rows, and its tone."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if width != self._placed_for:
            self._placed, self._placed_for = place(self._sheet.columns, width), width
        if y < HEADER_LINES:
            return self._header_line(width)
        if not len(self._store):
            return self._notice_line(y, width)
        index = y - HEADER_LINES + self.scroll_offset.y
        if index >= len(self._store):
            return Strip.blank(width, self._row_style("table--even"))
        return self._row_line(index, width)

    def _row_style(self, name: str) -> Style:
        return self.get_component_rich_style(name)

    def _header_line(self, width: int) -> Strip:
        style = self._row_style("table--header")
        titles = [fit(p.column.title, p.width, align=p.column.align) for p in self._placed]
        return Strip([Segment((" " * GAP).join(titles), style)]).adjust_cell_length(width, style)

    def _row_line(self, index: int, width: int) -> Strip:
        if index == self.cursor:
            base = self._row_style("table--cursor" if self.has_focus else "table--cursor-blurred")
        else:
            base = self._row_style("table--odd" if index % 2 else "table--even")
        row = self._store.row(index)
        if row is None:
            return Strip([Segment("…", base + tone_style(self, "muted"))]).adjust_cell_length(width, base)
        cells = self._sheet.cells(row)
        segments: list[Segment] = []
        for number, placed in enumerate(self._placed):
            if number:
                segments.append(Segment(" " * GAP, base))
            segments.extend(
                Segment(text, base + tone_style(self, tone))
                for text, tone in fitted(cells[placed.index], placed)
            )
        return Strip(segments).adjust_cell_length(width, base)

    def _notice_line(self, y: int, width: int) -> Strip:
        """The words in the place of rows: a heading a third down, the hint below it, both wrapped."""
        base = self._row_style("table--even")
        lines = notice_parts(*self.notice(), width)
        line = y - max(HEADER_LINES + 1, self.size.height // 3)
        if not 0 <= line < len(lines):
            return Strip.blank(width, base)
        text, tone = lines[line]
        return Strip([Segment(text, base + tone_style(self, tone))]).adjust_cell_length(width, base)
