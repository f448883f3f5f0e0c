"""A table over any number of rows: draws the lines in view, reads the rows they need, follows ids.

The table owns no SQL and no thread: a ListSource answers, in its own time, with ids and rows.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from textual.binding import Binding
from textual.message import Message
from textual.timer import Timer

from bocr_tui.config.errors import BocrError
from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.key_order import HoldsKeys
from bocr_tui.ui.nothing_here import BEGIN
from bocr_tui.ui.widgets.row_store import CHUNK_ROWS, Identified
from bocr_tui.ui.widgets.table_drawing import DrawnTable, Notice, Sheet
from bocr_tui.ui.widgets.table_mouse import PointedTable
from bocr_tui.ui.work import begin

Row = TypeVar("Row", bound=Identified)

REST_S = 0.07
"""A cursor that rests this long is looking at something; one that runs is not told of at each row."""


class ListSource(Protocol[Row]):
    """One list under one filter and order. May raise BocrError."""

    async def ids(self, limit: int | None) -> array[int]: ...

    async def rows(self, ids: Sequence[int]) -> list[Row]: ...


class VirtualTable(PointedTable[Row], HoldsKeys, can_focus=True):
    """Shows one ListSource. `cursor` is the index of the current row; it stays on its id."""

    BINDINGS: ClassVar = with_ids(
        "table",
        [
            Binding("enter", "select", "Open", key_display="enter", tooltip="Open what the cursor is on."),
            Binding("j,down", "move(1)", "Down", show=False, tooltip="To the next row."),
            Binding("k,up", "move(-1)", "Up", show=False, tooltip="To the row before."),
            Binding("ctrl+d", "turn(0.5)", "Half down", show=False, tooltip="Half a screen down."),
            Binding("ctrl+u", "turn(-0.5)", "Half up", show=False, tooltip="Half a screen up."),
            Binding("pagedown,ctrl+f", "turn(1)", "Screen down", show=False, tooltip="A screen down."),
            Binding("pageup,ctrl+b", "turn(-1)", "Screen up", show=False, tooltip="A screen up."),
            Binding("g,home", "jump(0)", "First", show=False, tooltip="To the first row."),
            Binding("G,end", "jump(-1)", "Last", show=False, tooltip="To the last row."),
        ],
    )

    class Highlighted(Message):
        """The cursor rests on another row, or its row was read anew. `row` None: not read yet."""

        def __init__(self, table: VirtualTable[Row], row_id: int | None, row: Row | None) -> None:
            super().__init__()
            self.table = table
            self.row_id = row_id
            self.row = row

    class Selected(Message):
        """A row was opened."""

        def __init__(self, table: VirtualTable[Row], row: Row) -> None:
            super().__init__()
            self.table = table
            self.row = row

    class Loaded(Message):
        """The list's ids were read, or could not be."""

        def __init__(self, table: VirtualTable[Row]) -> None:
            super().__init__()
            self.table = table

    def __init__(
        self, sheet: Sheet[Row], *, id: str | None = None, quiet: tuple[type[BocrError], ...] = ()
    ) -> None:
        """`quiet`: errors that are no failure, since a catalog is still to be made, by an import."""
        super().__init__(sheet, id=id)
        self._quiet = quiet
        self._source: ListSource[Row] | None = None
        self._asking_rows = False
        self._moved_at = 0.0
        self._resting: Timer | None = None
        self._told: Row | None = None
        self._sought: int | None = None
        """The id on which the cursor shall be once the list is read whole."""
        self.empty = Notice("Nothing here.")
        self.loaded = False
        """Whether the list in view was ever read whole or in its first part."""
        self.complete = False
        self.trouble: BocrError | None = None
        self.trouble_since: float | None = None
        self.holds_keys = False
        """Whether enter was pressed on a row that was not read yet: what comes next is for what it opens."""

    @property
    def current_id(self) -> int | None:
        return self._store.ids[self.cursor] if self.cursor < len(self._store) else None

    @property
    def current(self) -> Row | None:
        """The row under the cursor, None where there is none or it is not read yet."""
        return self._store.row(self.cursor) if self.cursor < len(self._store) else None

    @property
    def current_text(self) -> str:
        """The row under the cursor as text, its columns apart by tabs; empty where there is none."""
        row = self.current
        cells = () if row is None else self._sheet.cells(row)
        return "\t".join("".join(text for text, _ in cell).strip() for cell in cells)

    def show(self, source: ListSource[Row], empty: Notice, at: int | None = None) -> None:
        """Show another list from its first row, or with the cursor on the id `at` where the list has it."""
        self._source, self.empty, self._sought = source, empty, at
        self._store.replace_ids(array("q"), keep=False)
        self.loaded = self.complete = self.holds_keys = False
        self.trouble = self.trouble_since = None
        self.cursor = self.top = 0
        self.redraw()
        begin(self, partial(self._read_ids, first=True), group=f"ids-{id(self)}")

    def tell_empty(self, empty: Notice) -> None:
        """What to say while the list holds nothing: that may change without the list."""
        if empty != self.empty:
            self.empty = empty
            if not self.row_count:
                self.redraw()

    def reread(self) -> None:
        """Read ids and rows again; the cursor stays on its row, what is in view stays until then."""
        if self._source is not None:
            begin(self, partial(self._read_ids, first=not self.loaded), group=f"ids-{id(self)}")

    async def _read_ids(self, *, first: bool) -> None:
        source = self._source
        assert source is not None
        try:
            if first:
                ids = await source.ids(CHUNK_ROWS)
                self.complete = len(ids) < CHUNK_ROWS
                self._adopt(ids)
            if not self.complete or not first:
                ids = await source.ids(None)
                self.complete = True
                self._adopt(ids)
        except BocrError as error:
            self._fail(error)
        self.post_message(self.Loaded(self))

    def _fail(self, error: BocrError) -> None:
        self.holds_keys = False
        self.trouble = error
        self.trouble_since = self.trouble_since or time.monotonic()
        self.refresh()

    def _adopt(self, ids: array[int]) -> None:
        """Take the ids just read; keep the cursor on its id, and its line where it is on the screen."""
        held, line = self.current_id, self.cursor - self.top
        if self._sought is not None and (self.complete or self._sought in ids):
            held, line, self._sought = self._sought, self.rows_in_view // 2, None
        self.trouble = self.trouble_since = None
        self.loaded = True
        self._store.replace_ids(ids, keep=True)
        self.holds_keys = self.holds_keys and not self._is_known_empty
        index = None if held is None else self._store.index_of(held, self.cursor)
        if index is None:
            index = max(0, min(self.cursor, len(ids) - 1))
        self.set_reactive(DrawnTable.cursor, index)
        self.show_from(index - line)
        self._bring_into_view()
        self.redraw()
        self._announce()
        self._want_rows()

    def on_resize(self) -> None:
        self.show_from(self.top)
        self._bring_into_view()
        self._want_rows()
        self.refresh()

    def _visible(self) -> tuple[int, int]:
        """The first and last index in view."""
        return self.top, self.top + self.rows_in_view - 1

    def _want_rows(self) -> None:
        """Begin reading the rows in view, and those of the next screen either way, that are not known."""
        if not self._asking_rows and self._missing():
            self._asking_rows = True
            begin(self, self._read_rows, group=f"rows-{id(self)}", exclusive=False)

    def _missing(self) -> list[int]:
        """Chunks to read, those in view first."""
        first, last = self._visible()
        return self._store.missing(first, last) or self._store.missing(
            first - self.rows_in_view, last + self.rows_in_view
        )

    async def _read_rows(self) -> None:
        """Read the chunks that are missing, until none is; the view may move meanwhile."""
        try:
            while missing := self._missing():
                source, ids = self._source, self._store.ids
                assert source is not None
                rows = await source.rows(self._store.ids_of(missing[0]))
                self._store.put(missing[0], ids, rows)
                self.refresh()
                if self.current is not self._told:
                    self._announce()
                if self.holds_keys and self.current is not None:
                    self._select_late()
        except BocrError as error:
            self._fail(error)
            self.post_message(self.Loaded(self))
        finally:
            self._asking_rows = False

    def _announce(self) -> None:
        """Tell where the cursor is, once it rests there."""
        self._moved_at = time.monotonic()
        if self._resting is None:
            self._resting = self.set_timer(REST_S, self._rested)

    def _rested(self) -> None:
        left = REST_S - (time.monotonic() - self._moved_at)
        if left > 0.001:
            self._resting = self.set_timer(left, self._rested)
            return
        self._resting, self._told = None, self.current
        self.post_message(self.Highlighted(self, self.current_id, self._told))

    def watch_top(self) -> None:
        self._want_rows()

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_row(old)
        self.refresh_row(new)
        self._bring_into_view()
        self._announce()

    def _bring_into_view(self) -> None:
        top, bottom = self._visible()
        if self.cursor < top:
            self.show_from(self.cursor)
        elif self.cursor > bottom:
            self.show_from(self.cursor - (bottom - top))

    def action_move(self, step: int) -> None:
        self._go(self.cursor + step)

    def action_turn(self, screens: float) -> None:
        """Move by a share of the lines in view."""
        step = max(1, int((self.rows_in_view - 1) * abs(screens)))
        self._go(self.cursor + (step if screens > 0 else -step))

    def action_jump(self, index: int) -> None:
        self._go(index if index >= 0 else len(self._store) - 1)

    def go_to(self, row_id: int) -> bool:
        """Put the cursor on an id; False when the list does not hold it."""
        index = self._store.index_of(row_id, self.cursor)
        if index is not None:
            self._go(index)
        return index is not None

    def _go(self, index: int) -> None:
        """To a row; before there are any, to where it will be."""
        self.holds_keys = False
        if self.loaded:
            self.cursor = max(0, min(index, len(self._store) - 1))
        else:
            self.set_reactive(DrawnTable.cursor, max(0, index))

    def action_select(self) -> None:
        """Open the row under the cursor, as soon as it is read."""
        row = self.current
        self.holds_keys = row is None and self.trouble is None and not self._is_known_empty
        if row is not None:
            self.post_message(self.Selected(self, row))

    def _select_late(self) -> None:
        """Open the row that enter was pressed on, unless one has gone elsewhere since."""
        self.holds_keys = False
        if self.screen.is_current:
            self.action_select()

    @property
    def _is_known_empty(self) -> bool:
        return self.complete and not self.row_count

    def notice(self) -> tuple[Notice, str]:
        if self.trouble is not None:
            if isinstance(self.trouble, self._quiet):
                return Notice(self.trouble.cause, BEGIN), "plain"
            hint = f"{self.trouble.next_step} ctrl+r tries again.".strip()
            return Notice(self.trouble.cause, hint), "failed"
        if not self.loaded:
            return Notice("Loading…"), "muted"
        return self.empty, "plain"
