"""How a table's lines are drawn: its header, its rows in their columns, or words where there are none.

The lines are handed to the compositor as they are: there is no padding, border or scrollbar of Textual's
around them, because each of those costs as much for every line as the line itself. A line that is drawn is
kept until its row, its place or the theme changes.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from bocr_tui.ui.safe_text import clean, fit, width_of, wrap
from bocr_tui.ui.terminal_facts import TerminalFacts
from bocr_tui.ui.widgets.columns import GAP, Cell, Column, Placed, fitted, in_order, place
from bocr_tui.ui.widgets.row_store import Identified, RowStore
from bocr_tui.ui.widgets.tones import Part, tone_style

Row = TypeVar("Row", bound=Identified)
SheetRow = TypeVar("SheetRow", bound=Identified, contravariant=True)

HEADER_LINES = 1

LEFT_CELLS = 1
"""Before the columns: the place of a mark's sign."""
RIGHT_CELLS = 2
"""After the columns: a blank and the scrollbar."""

NOTICE_MARGIN = 4
"""Cells left and right of the words that stand in the place of rows."""

LINES_KEPT = 4096
"""Drawn lines kept: as many as there are rows in memory, and some."""

MARK = "●"
GROOVE, THUMB = "table--groove", "table--thumb"


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


@dataclass(frozen=True)
class Sorted:
    """By which column (its `sort`) the rows are ordered, and whether from the last to the first."""

    by: str = ""
    backwards: bool = False


def notice_parts(notice: Notice, tone: str, width: int) -> list[Part]:
    """The lines of a notice, its heading in `tone`, wrapped and set in the middle of `width` cells."""
    room = max(8, width - 2 * NOTICE_MARGIN)
    lines = [(piece, tone) for piece in wrap(clean(notice.title), room)]
    lines += [(piece, "muted") for piece in wrap(clean(notice.hint), room)]
    return [(" " * ((width - width_of(text)) // 2) + text, tone) for text, tone in lines]


class DrawnTable(Widget, Generic[Row]):
    """Draws the rows of a RowStore from `top` on; a row that is not read yet is an ellipsis."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--even",
        "table--odd",
        "table--marked",
        "table--cursor",
        "table--cursor-blurred",
        GROOVE,
        THUMB,
    }

    cursor: reactive[int] = reactive(0, repaint=False)
    top: reactive[int] = reactive(0)
    """The index of the first row in view."""

    def __init__(self, sheet: Sheet[Row], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sheet = sheet
        self._store: RowStore[Row] = RowStore()
        self.order = Sorted()
        self._placed: tuple[Placed, ...] = ()
        self._drawn_for: tuple[object, ...] = ()
        self._lines: dict[int, tuple[Row | None, str, bool, str, Strip]] = {}
        self._view: list[Strip] = []
        """The lines in view as they were last drawn."""
        self._view_is_old = True
        self._touched: set[int] = set()
        """Rows of the view that were drawn otherwise than they are now."""
        self._styles_of: dict[tuple[str, str], Style] = {}
        self.reorders = False
        """Names written from the right are put in order here, because the terminal does not."""

    def on_mount(self) -> None:
        facts = getattr(self.app, "terminal_facts", None)
        self.reorders = isinstance(facts, TerminalFacts) and facts.reorders_text

    @abstractmethod
    def notice(self) -> tuple[Notice, str]:
        """What stands in the place of rows, and its tone."""

    def is_marked(self, index: int) -> bool:
        """Whether the row at `index` is chosen for what is done to many."""
        return False

    @property
    def row_count(self) -> int:
        return len(self._store)

    @property
    def rows_in_view(self) -> int:
        """How many rows there is room for."""
        return max(1, self.size.height - HEADER_LINES)

    def show_from(self, index: int) -> None:
        """Begin the view at `index`, as far as there are rows to fill it."""
        self.top = max(0, min(index, len(self._store) - self.rows_in_view))

    def redraw(self) -> None:
        """Draw every line anew, also of rows that are what they were: their words tell ages, or the marks
        changed."""
        self._lines.clear()
        self.refresh()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        self._view_is_old = self._view_is_old or not regions
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def refresh_row(self, index: int) -> None:
        """Draw one row anew, if it is in view."""
        line = index - self.top + HEADER_LINES
        if HEADER_LINES <= line < self.size.height:
            self._touched.add(index)
            self.refresh(Region(0, line, self.size.width, 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lines.clear()
        self._styles_of.clear()

    def placed_at(self, x: int) -> Placed | None:
        """The column that is drawn `x` cells from the left."""
        left = LEFT_CELLS
        for placed in self._placed:
            if left <= x < left + placed.width + GAP:
                return placed
            left += placed.width + GAP
        return None

    def render_lines(self, crop: Region) -> list[Strip]:
        width, height = self.size
        drawn_for = (width, height, self.app.theme, self.order)
        if drawn_for != self._drawn_for:
            self._drawn_for, self._view_is_old = drawn_for, True
            self.notify_style_update()
            self._placed = place(self._sheet.columns, width - LEFT_CELLS - RIGHT_CELLS)
        if self._view_is_old or not len(self._store):
            self._draw_view(width, height)
        else:
            thumb = self._thumb()
            for index in self._touched:
                self._view[index - self.top + HEADER_LINES] = self._kept_line(index, width, thumb)
        self._touched.clear()
        lines = self._view[crop.y : crop.bottom]
        return (
            lines if not crop.x and crop.width == width else [line.crop(crop.x, crop.right) for line in lines]
        )

    def _draw_view(self, width: int, height: int) -> None:
        self._view_is_old = False
        if len(self._lines) > LINES_KEPT:
            self._lines.clear()
        if not len(self._store):
            self._view = self._notice_lines(width, height)
            return
        thumb, last = self._thumb(), min(len(self._store), self.top + height - HEADER_LINES)
        self._view = [self._header_line(width)]
        self._view += [self._kept_line(index, width, thumb) for index in range(self.top, last)]
        blank = Strip.blank(width, self._style("table--even", "plain"))
        self._view += [blank] * (height - len(self._view))

    def _thumb(self) -> range:
        """The rows beside which the scrollbar's thumb stands; none where everything is in view."""
        rows, count = self.rows_in_view, len(self._store)
        if count <= rows:
            return range(0)
        size = max(1, rows * rows // count)
        first = self.top + round(self.top * (rows - size) / (count - rows))
        return range(first, first + size)

    def _kept_line(self, index: int, width: int, thumb: range) -> Strip:
        row, marked, bar = self._store.row(index), self.is_marked(index), THUMB if index in thumb else GROOVE
        kind = self._kind(index, marked)
        kept = self._lines.get(index)
        if kept is not None and kept[0] is row and kept[1] == kind and kept[2] == marked and kept[3] == bar:
            return kept[4]
        line = self._filtered(self._row_line(row, kind, marked, bar, width))
        self._lines[index] = (row, kind, marked, bar, line)
        return line

    def _kind(self, index: int, marked: bool) -> str:
        if index == self.cursor:
            return "table--cursor" if self.has_focus else "table--cursor-blurred"
        return "table--marked" if marked else "table--odd" if index % 2 else "table--even"

    def _style(self, kind: str, tone: str) -> Style:
        style = self._styles_of.get((kind, tone))
        if style is None:
            base = self.get_component_rich_style(kind)
            style = base if tone == "plain" else base + tone_style(self, tone)
            self._styles_of[kind, tone] = style
        return style

    def _row_line(self, row: Row | None, kind: str, marked: bool, bar: str, width: int) -> Strip:
        room = width - LEFT_CELLS - RIGHT_CELLS
        parts: list[Part] = [(MARK, "accent") if marked else (" " * LEFT_CELLS, "plain")]
        if row is None:
            parts.append(("…".ljust(room), "muted"))
        else:
            cells = self._sheet.cells(row)
            taken = -GAP
            for placed in self._placed:
                if taken >= 0:
                    parts.append((" " * GAP, "plain"))
                cell = fitted(cells[placed.index], placed)
                parts += in_order(cell) if self.reorders else cell
                taken += placed.width + GAP
            parts.append((" " * (room - taken), "plain"))
        segments = [Segment(text, self._style(kind, tone)) for text, tone in _joined(parts)]
        segments.append(Segment(" ", self._style(kind, "plain")))
        segments.append(Segment(" ", self._style(bar, "plain")))
        return Strip(segments, width)

    def _header_line(self, width: int) -> Strip:
        style = self._style("table--header", "plain")
        titles = [self._title(placed) for placed in self._placed]
        line = " " * LEFT_CELLS + (" " * GAP).join(titles)
        return self._filtered(Strip([Segment(line, style)]).adjust_cell_length(width, style))

    def _title(self, placed: Placed) -> str:
        column = placed.column
        title = column.title
        own = column.own_order and not self.order.backwards
        if column.sort and column.sort == self.order.by and not own:
            title = f"{title[: placed.width - 1]}{'▼' if self.order.backwards else '▲'}"
        return fit(title, placed.width, align=column.align)

    def _notice_lines(self, width: int, height: int) -> list[Strip]:
        """The words in the place of rows: a heading a third down, the hint below it, both wrapped."""
        blank = Strip.blank(width, self._style("table--even", "plain"))
        lines = [self._header_line(width), *[blank] * (height - HEADER_LINES)]
        begin = max(HEADER_LINES + 1, height // 3)
        for y, (text, tone) in enumerate(notice_parts(*self.notice(), width), begin):
            style = self._style("table--even", tone)
            lines[y : y + 1] = [
                self._filtered(Strip([Segment(text, style)]).adjust_cell_length(width, style))
            ]
        return lines[:height]

    def _filtered(self, line: Strip) -> Strip:
        """As the terminal takes it: without colours where it has none."""
        for line_filter in self.get_line_filters():
            line = line.apply_filter(line_filter, self.background_colors[1])
        return line


def _joined(parts: list[Part]) -> list[Part]:
    """Neighbours of one tone as one part: each costs a terminal sequence."""
    joined: list[Part] = []
    texts, tone = "", parts[0][1]
    for text, of in parts:
        # Blanks look the same in every tone that has no background of its own.
        if of != tone and not text.isspace():
            joined.append((texts, tone))
            texts, tone = "", of
        texts += text
    joined.append((texts, tone))
    return joined
