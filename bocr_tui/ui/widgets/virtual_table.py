"""A table over any number of rows: draws the lines in view, reads the rows they need, follows ids.

The table owns no SQL and no thread: a ListSource answers, in its own time, with ids and rows.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message

from bocr_tui.config.errors import BocrError
from bocr_tui.ui.widgets.row_store import CHUNK_ROWS, Identified
from bocr_tui.ui.widgets.table_drawing import HEADER_LINES, DrawnTable, Notice, Sheet
from bocr_tui.ui.work import begin

Row = TypeVar("Row", bound=Identified)


class ListSource(Protocol[Row]):
    """One list under one filter and order. May raise BocrError."""

    async def ids(self, limit: int | None) -> array[int]: ...

    async def rows(self, ids: Sequence[int]) -> list[Row]: ...


class VirtualTable(DrawnTable[Row], can_focus=True):
    """Shows one ListSource. `cursor` is the index of the current row; it stays on its id."""

    BINDINGS: ClassVar = [
        Binding("enter", "select", "Open", key_display="enter", tooltip="Open what the cursor is on."),
        Binding("j,down", "move(1)", "Down", show=False, tooltip="To the next row."),
        Binding("k,up", "move(-1)", "Up", show=False, tooltip="To the row before."),
        Binding("ctrl+d", "turn(0.5)", "Half down", show=False, tooltip="Half a screen down."),
        Binding("ctrl+u", "turn(-0.5)", "Half up", show=False, tooltip="Half a screen up."),
        Binding("pagedown,ctrl+f", "turn(1)", "Screen down", show=False, tooltip="A screen down."),
        Binding("pageup,ctrl+b", "turn(-1)", "Screen up", show=False, tooltip="A screen up."),
        Binding("g,home", "jump(0)", "First", show=False, tooltip="To the first row."),
        Binding("G,end", "jump(-1)", "Last", show=False, tooltip="To the last row."),
    ]

    class Highlighted(Message):
        """The cursor stands on another row, or its row was read anew. `row` None: not read yet."""

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
        """`quiet`: errors that are no failure, such as a catalog that is still to be made."""
        super().__init__(sheet, id=id)
        self._quiet = quiet
        self._source: ListSource[Row] | None = None
        self._asking_rows = False
        self.empty = Notice("Nothing here.")
        self.loaded = False
        """Whether the list in view was ever read whole or in its first part."""
        self.complete = False
        self.trouble: BocrError | None = None
        self.trouble_since: float | None = None

    @property
    def row_count(self) -> int:
        return len(self._store)

    @property
    def current_id(self) -> int | None:
        return self._store.ids[self.cursor] if self.cursor < len(self._store) else None

    @property
    def current(self) -> Row | None:
        """The row under the cursor, None where there is none or it is not read yet."""
        return self._store.row(self.cursor) if self.cursor < len(self._store) else None

    def show(self, source: ListSource[Row], empty: Notice) -> None:
        """Show another list from its first row."""
        self._source, self.empty = source, empty
        self._store.replace_ids(array("q"), keep=False)
        self.loaded = self.complete = False
        self.trouble = self.trouble_since = None
        self.cursor = 0
        self._resize_virtual()
        self.scroll_to(0, 0, animate=False)
        self.refresh()
        begin(self, partial(self._read_ids, first=True), group=f"ids-{id(self)}")

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
            self.trouble = error
            self.trouble_since = self.trouble_since or time.monotonic()
            self.refresh()
        self.post_message(self.Loaded(self))

    def _adopt(self, ids: array[int]) -> None:
        """Take the ids just read; keep the cursor on its id, and its line where it is on the screen."""
        held, line = self.current_id, self.cursor - self.scroll_offset.y
        self.trouble = self.trouble_since = None
        self.loaded = True
        self._store.replace_ids(ids, keep=True)
        self._resize_virtual()
        index = None if held is None else self._store.index_of(held, self.cursor)
        if index is None:
            index = max(0, min(self.cursor, len(ids) - 1))
        elif index != self.cursor:
            self.scroll_to(y=index - line, animate=False)
        self.set_reactive(DrawnTable.cursor, index)
        self._bring_into_view()
        self.refresh()
        self._announce()
        self._want_rows()

    def _resize_virtual(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._store) + HEADER_LINES)

    def on_resize(self) -> None:
        self._resize_virtual()
        self._bring_into_view()
        self._want_rows()
        self.refresh()

    def _visible(self) -> tuple[int, int]:
        """The first and last index in view."""
        top = self.scroll_offset.y
        return top, top + max(1, self.size.height - HEADER_LINES) - 1

    def _want_rows(self) -> None:
        """Begin reading the rows in view that are not known."""
        if not self._asking_rows and self._store.missing(*self._visible()):
            self._asking_rows = True
            begin(self, self._read_rows, group=f"rows-{id(self)}", exclusive=False)

    async def _read_rows(self) -> None:
        """Read the chunks in view until none is missing; the view may move meanwhile."""
        try:
            while missing := self._store.missing(*self._visible()):
                source, ids = self._source, self._store.ids
                assert source is not None
                rows = await source.rows(self._store.ids_of(missing[0]))
                self._store.put(missing[0], ids, rows)
                self.refresh()
                self._announce()
        except BocrError as error:
            self.trouble = error
            self.trouble_since = self.trouble_since or time.monotonic()
            self.refresh()
            self.post_message(self.Loaded(self))
        finally:
            self._asking_rows = False

    def _announce(self) -> None:
        self.post_message(self.Highlighted(self, self.current_id, self.current))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._want_rows()

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_lines(old + HEADER_LINES)
        self.refresh_lines(new + HEADER_LINES)
        self._bring_into_view()
        self._announce()

    def _bring_into_view(self) -> None:
        top, bottom = self._visible()
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor > bottom:
            self.scroll_to(y=self.cursor - (bottom - top), animate=False)

    def action_move(self, step: int) -> None:
        self._go(self.cursor + step)

    def action_turn(self, screens: float) -> None:
        """Move by a share of the lines in view."""
        top, bottom = self._visible()
        step = max(1, int((bottom - top) * abs(screens)))
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
        self.cursor = max(0, min(index, len(self._store) - 1))

    def action_select(self) -> None:
        row = self.current
        if row is not None:
            self.post_message(self.Selected(self, row))

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor; on the cursor's own row, or a second one at once, it opens."""
        offset = event.get_content_offset(self)
        index = -1 if offset is None else offset.y - HEADER_LINES + self.scroll_offset.y
        if offset is None or offset.y < HEADER_LINES or not 0 <= index < len(self._store):
            return
        if index == self.cursor and (event.chain > 1 or self.has_focus):
            self.action_select()
        self.cursor = index

    def notice(self) -> tuple[Notice, str]:
        if self.trouble is not None:
            if isinstance(self.trouble, self._quiet):
                return Notice(self.trouble.cause, self.trouble.next_step), "plain"
            hint = f"{self.trouble.next_step} ctrl+r tries again.".strip()
            return Notice(self.trouble.cause, hint), "failed"
        if not self.loaded:
            return Notice("Loading…"), "muted"
        return self.empty, "plain"
