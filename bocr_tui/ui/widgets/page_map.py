"""A map of pages: one cell a page, or a tile for many, walked with a cursor. It knows no catalog.

Drawn line by line. A line of the map is a slice of bytes that is translated to signs at once, and its
segments are as many as there are changes of colour in it.
"""

from __future__ import annotations

import re
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bocr_tui.ui.widgets.map_tiles import (
    IS_BAD,
    LOOKS,
    LOOKS_BAD,
    bad_before,
    next_bad,
    tiles,
)
from bocr_tui.ui.widgets.table_drawing import Notice, notice_parts
from bocr_tui.ui.widgets.tones import TONES, tone_style

GUTTER = 11
"""Cells left of the map: the number of the row's first page, up to ten million, and a blank."""

GUTTER_FROM = 60
"""A narrower map has no gutter."""

MOST_PER_TILE = 1 << 20

MOST_REGIONS = 8
"""Rows drawn anew one by one; of more the whole map is."""

_SIGNS = {place: look.sign for place, look in enumerate(LOOKS)}
_TONES = tuple(TONES)
_DIMMED = 255
_TONE_OF = bytes(_TONES.index(LOOKS[place].tone) if place < len(LOOKS) else 0 for place in range(256))
"""A tile's byte → the place of its tone; _DIMMED: one that is to be seen through."""
_DIMMED_TONE_OF = bytes(tone if bad else _DIMMED for tone, bad in zip(_TONE_OF, LOOKS_BAD, strict=True))
_DIM = Style(dim=True)
_RUNS = re.compile(rb"(.)\1*", re.DOTALL)


class PageMap(ScrollView, can_focus=True):
    """`cursor` is the index of a page; with more than one page a tile it is the first one of its tile, but
    where one jumped to a failed page."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"map--cell", "map--cursor", "map--cursor-blurred"}

    DEFAULT_CSS = """
    PageMap {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        padding: 0 1;
        & > .map--cell { color: $foreground; background: $background; }
        & > .map--cursor { color: $background; background: $foreground; text-style: bold; }
        & > .map--cursor-blurred { background: $cursor-row-blurred; }
    }
    """

    BINDINGS: ClassVar = [
        Binding("enter", "open", "Open", key_display="enter", tooltip="Open the page under the cursor."),
        Binding("n", "failed(1)", "Next failed", tooltip="To the next failed page."),
        Binding("N", "failed(-1)", "Failed before", show=False, tooltip="To the failed page before."),
        Binding("plus,equals_sign", "zoom(1)", "Zoom", key_display="+ -", tooltip="Fewer pages a tile."),
        Binding("minus", "zoom(-1)", "Zoom out", show=False, tooltip="More pages a tile."),
        Binding("0", "fit", "Fit", show=False, tooltip="As many pages a tile as it takes to show all."),
        Binding("l,right", "step(1, 0)", "Right", show=False, tooltip="One tile to the right."),
        Binding("h,left", "step(-1, 0)", "Left", show=False, tooltip="One tile to the left."),
        Binding("j,down", "step(0, 1)", "Down", show=False, tooltip="One row down."),
        Binding("k,up", "step(0, -1)", "Up", show=False, tooltip="One row up."),
        Binding("ctrl+d,pagedown", "turn(1)", "Screen down", show=False, tooltip="A screen down."),
        Binding("ctrl+u,pageup", "turn(-1)", "Screen up", show=False, tooltip="A screen up."),
        Binding("g,home", "end(0)", "First", show=False, tooltip="To the first page."),
        Binding("G,end", "end(-1)", "Last", show=False, tooltip="To the last page."),
    ]

    class Moved(Message):
        """The cursor stands on another page, or what is under it changed."""

    class Opened(Message):
        """A page was opened: its index."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.states = b""
        self.cursor = 0
        self.dimmed = False
        self._rows: dict[tuple[int, int], bytes] = {}
        self._bad = b""
        self._per_tile = 0
        self._asked_per_tile = 0
        self._exact = False
        self._tiled_for: tuple[int, int] = (0, 0)
        self.notice: tuple[Notice, str] | None = (Notice("Loading…"), "muted")

    # What is shown

    @property
    def per_tile(self) -> int:
        """Pages a tile."""
        return max(1, self._per_tile)

    @property
    def columns(self) -> int:
        """Tiles in a row."""
        width = self.scrollable_content_region.width
        return max(1, width - (GUTTER if width >= GUTTER_FROM else 0))

    @property
    def fitting(self) -> int:
        """Pages a tile with which all of them are in view."""
        cells = self.columns * max(1, self.scrollable_content_region.height)
        return max(1, -(-len(self.states) // cells))

    @property
    def here(self) -> tuple[int, int]:
        """The first page under the cursor and the one behind the last."""
        first = self.cursor // self.per_tile * self.per_tile
        return first, min(len(self.states), first + self.per_tile)

    @property
    def target(self) -> int:
        """The page that would be opened: of a tile the first failed one, else its first."""
        first, behind = self.here
        if self._exact or self.per_tile == 1:
            return self.cursor
        found = self._bad.find(1, first, behind)
        return found if found >= 0 else first

    @property
    def _tile_count(self) -> int:
        return -(-len(self.states) // self.per_tile)

    def _row(self, row: int) -> bytes:
        """The tiles of a row. Made when it is looked at: two pages a tile, a million pages are half a million
        tiles, and the loop that draws would stand still for all of them."""
        key, pages = (row, self.columns), self.columns * self.per_tile
        if key not in self._rows:
            self._rows[key] = tiles(self.states[row * pages : (row + 1) * pages], self.per_tile)
        return self._rows[key]

    def show(self, states: bytes) -> None:
        """Draw these; the cursor stays. Only rows that changed are drawn anew."""
        self.notice = None
        old, self.states = self.states, states
        if old == states:
            if not states:
                self.refresh()
            return
        self._bad = states.translate(IS_BAD)
        self.cursor = max(0, min(self.cursor, len(states) - 1))
        drawn, tiled_for = self._rows_in_view(), self._tiled_for
        self._tile()
        if len(old) == len(states) and tiled_for == self._tiled_for:
            self._refresh_rows([row for row, cells in drawn.items() if self._row(row) != cells])
        else:
            self.refresh()
        self.post_message(self.Moved())

    def _rows_in_view(self) -> dict[int, bytes]:
        """Of those that were drawn."""
        top, columns = self.scroll_offset.y, self.columns
        view = range(top, top + self.scrollable_content_region.height)
        return {row: self._rows[row, columns] for row in view if (row, columns) in self._rows}

    def _refresh_rows(self, rows: list[int]) -> None:
        """Many regions cost more than the whole."""
        if len(rows) > MOST_REGIONS:
            self.refresh()
        else:
            for row in rows:
                self.refresh_lines(row - self.scroll_offset.y)

    def say(self, notice: Notice, tone: str) -> None:
        """Words in the place of a map."""
        self.notice = (notice, tone)
        self.refresh()

    def dim(self, dimmed: bool) -> None:
        """Show only failed pages in colour."""
        self.dimmed = dimmed
        self.refresh()

    def go_to(self, index: int, *, exact: bool = True) -> None:
        """Put the cursor on a page."""
        if not self.states:
            return
        old = self.cursor // self.per_tile
        self.cursor = max(0, min(index, len(self.states) - 1))
        self._exact = exact
        for tile in (old, self.cursor // self.per_tile):
            self.refresh_lines(tile // self.columns - self.scroll_offset.y)
        self._bring_into_view()
        self.post_message(self.Moved())

    def _tile(self) -> None:
        """As many tiles as states, zoom and size want; what they look like is found row by row."""
        self._per_tile = self._asked_per_tile or self.fitting
        self._tiled_for = (self._per_tile, self.columns)
        self._rows.clear()
        rows = -(-self._tile_count // self.columns)
        self.virtual_size = Size(self.scrollable_content_region.width, rows)

    def _retile(self) -> None:
        if self.states:
            self._tile()
            self._bring_into_view()
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        if self._tiled_for != (self._asked_per_tile or self.fitting, self.columns):
            self._retile()

    def _bring_into_view(self) -> None:
        row = self.cursor // self.per_tile // self.columns
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if row < top:
            self.scroll_to(y=row, animate=False, immediate=True)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, immediate=True)

    # How it is drawn

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if self.notice is not None or not self.states:
            return self._notice_line(y, width)
        columns, row = self.columns, y + self.scroll_offset.y
        first = row * columns
        cells = self._row(row)
        base = self.get_component_rich_style("map--cell")
        if not cells:
            return Strip.blank(width, base)
        segments = []
        if columns < width:
            number = f"{first * self.per_tile + 1:,}".rjust(GUTTER - 1) + " "
            segments.append(Segment(number, base + tone_style(self, "muted")))
        at = self.cursor // self.per_tile - first
        if 0 <= at < len(cells):
            segments += self._segments(cells[:at], base)
            segments.append(self._cursor_cell(cells[at]))
            segments += self._segments(cells[at + 1 :], base)
        else:
            segments += self._segments(cells, base)
        return Strip(segments).adjust_cell_length(width, base)

    def _segments(self, cells: bytes, base: Style) -> list[Segment]:
        """One for each change of colour."""
        signs = cells.decode("latin-1").translate(_SIGNS)
        tones = cells.translate(_DIMMED_TONE_OF if self.dimmed else _TONE_OF)
        styles = {tone: base + self._tone(tone) for tone in set(tones)}
        return [
            Segment(signs[run.start() : run.end()], styles[tones[run.start()]])
            for run in _RUNS.finditer(tones)
        ]

    def _tone(self, tone: int) -> Style:
        return tone_style(self, "muted") + _DIM if tone == _DIMMED else tone_style(self, _TONES[tone])

    def _cursor_cell(self, cell: int) -> Segment:
        name = "map--cursor" if self.has_focus else "map--cursor-blurred"
        return Segment(LOOKS[cell].sign, self.get_component_rich_style(name))

    def _notice_line(self, y: int, width: int) -> Strip:
        base = self.get_component_rich_style("map--cell")
        notice, tone = self.notice or (Notice("No pages here."), "plain")
        lines = notice_parts(notice, tone, width)
        line = y - max(1, self.size.height // 3)
        if not 0 <= line < len(lines):
            return Strip.blank(width, base)
        text, of = lines[line]
        return Strip([Segment(text, base + tone_style(self, of))]).adjust_cell_length(width, base)

    # How it is walked

    def action_step(self, right: int, down: int) -> None:
        tile = self.cursor // self.per_tile
        row, column = divmod(tile, self.columns)
        last = max(0, self._tile_count - 1)
        to = tile + right if right else min(last, max(0, row + down) * self.columns + column)
        if down < 0 and row == 0:
            to = tile
        if down > 0 and row == last // self.columns:
            to = tile
        if 0 <= to <= last and to != tile:
            self.go_to(to * self.per_tile, exact=False)

    def action_turn(self, screens: int) -> None:
        rows = screens * max(1, self.scrollable_content_region.height - 1)
        tile = self.cursor // self.per_tile + rows * self.columns
        self.go_to(max(0, min(tile, self._tile_count - 1)) * self.per_tile, exact=False)

    def action_end(self, index: int) -> None:
        self.go_to(0 if index == 0 else len(self.states) - 1, exact=False)

    def action_failed(self, step: int) -> None:
        """Round the end; says so where nothing failed."""
        if not self.states:
            return
        find = next_bad if step > 0 else bad_before
        within = step > 0 and not self._exact and self.per_tile > 1
        found = find(self._bad, self.cursor - 1 if within else self.cursor)
        if found is None:
            self.notify("No page here has failed.", markup=False)
        else:
            self.go_to(found)

    def action_zoom(self, step: int) -> None:
        """To half or twice as many pages a tile; out no further than to where all are in view."""
        now, most = self.per_tile, self.fitting
        wanted = max(1, (now + 1) // 2) if step > 0 else min(now * 2, most, MOST_PER_TILE)
        if wanted != now:
            self._asked_per_tile = 0 if wanted >= most else wanted
            self._retile()

    def action_fit(self) -> None:
        self._asked_per_tile = 0
        self._retile()

    def action_open(self) -> None:
        if self.states:
            self.post_message(self.Opened(self.target))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a second one opens."""
        offset = event.get_content_offset(self)
        if offset is None or not self.states:
            return
        gutter = self.scrollable_content_region.width - self.columns
        tile = (offset.y + self.scroll_offset.y) * self.columns + offset.x - gutter
        if offset.x >= gutter and 0 <= tile < self._tile_count:
            self.go_to(tile * self.per_tile, exact=False)
            if event.chain > 1:
                self.action_open()
