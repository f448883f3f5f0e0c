"""A table whose rows can be marked, one by one, in ranges, or all: what is done then is done to those.

Marks hold on to ids: they stay on their rows whatever is read again, sorted or filtered. Only those that the
list in view holds are acted on.
"""

from __future__ import annotations

import asyncio
from array import array
from typing import ClassVar, TypeVar

from textual.binding import Binding
from textual.message import Message

from bocr_tui.config.errors import BocrError
from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.widgets.marks import Marks, states_of
from bocr_tui.ui.widgets.row_store import Identified
from bocr_tui.ui.widgets.table_drawing import Notice, Sheet
from bocr_tui.ui.widgets.virtual_table import ListSource, VirtualTable
from bocr_tui.ui.work import begin

Row = TypeVar("Row", bound=Identified)

STATES_OF_ROWS = 3000
"""Marked rows whose states are looked up: no more are in memory."""


class MarkingTable(VirtualTable[Row]):
    """`marks` are ids; `marked_here` counts those that the list holds."""

    BINDINGS: ClassVar = with_ids(
        "table",
        [
            Binding("space", "mark", "Mark", show=False, tooltip="Mark the row, or take its mark away."),
            Binding("v", "range", "Range", show=False, tooltip="Begin a range of marks; again: end it here."),
            Binding(
                "asterisk,ctrl+a",
                "mark_all",
                "Mark all",
                show=False,
                key_display="*",
                tooltip="Mark every row of the list, or none.",
            ),
        ],
    )

    class Marked(Message):
        """Other rows are marked now."""

    def __init__(
        self, sheet: Sheet[Row], *, id: str | None = None, quiet: tuple[type[BocrError], ...] = ()
    ) -> None:
        super().__init__(sheet, id=id, quiet=quiet)
        self.marks = Marks()
        self.marked_here = 0
        self._anchor: int | None = None
        """The index at which a range begins."""
        self._chosen: tuple[tuple[int, ...], frozenset[str]] = ((), frozenset())
        self._chosen_for: tuple[object, ...] = ()
        self._chosen_of: array[int] | None = None

    @property
    def in_range(self) -> bool:
        """Whether a range is being drawn."""
        return self._anchor is not None

    def is_marked(self, index: int) -> bool:
        if self._anchor is not None and index in self._range():
            return True
        return bool(self.marks) and self._store.ids[index] in self.marks

    def _range(self) -> range:
        if self._anchor is None:
            return range(0)
        return range(min(self._anchor, self.cursor), max(self._anchor, self.cursor) + 1)

    def action_mark(self) -> None:
        """The row under the cursor, or the range that was begun."""
        held = self.current_id
        if self.in_range:
            self.action_range()
        elif held is not None:
            self.marks.toggle(held)
            self.marked_here += 1 if held in self.marks else -1
            self.action_move(1)
            self._changed()

    def action_range(self) -> None:
        if self._anchor is None:
            self._anchor = self.cursor if self.row_count else None
            self._changed()
            return
        begin(self, self._end_range, group="marks", exclusive=False)

    async def _end_range(self) -> None:
        within = self._range()
        self._anchor = None
        await self._add(self._store.ids[within.start : within.stop])

    def action_mark_all(self) -> None:
        if not self.complete:
            self.notify("The list is still being read; try again in a moment.", severity="warning")
        elif self.marked_here == self.row_count:
            self.unmark()
        else:
            begin(self, self._mark_all, group="marks", exclusive=False)

    async def _mark_all(self) -> None:
        self._anchor = None
        await self._add(self._store.ids)

    async def _add(self, ids: array[int]) -> None:
        await asyncio.to_thread(self.marks.add, ids)
        await self._count_marks()

    async def _count_marks(self) -> None:
        ids = self._store.ids
        self.marked_here = len(await asyncio.to_thread(self.marks.among, ids)) if self.marks else 0
        self._changed()

    def unmark(self) -> bool:
        """Give up the range that was begun, or else take all marks away; False when there was nothing."""
        if self._anchor is not None:
            self._anchor = None
        elif self.marks:
            self.marks.clear()
            self.marked_here = 0
        else:
            return False
        self._changed()
        return True

    def chosen(self) -> tuple[tuple[int, ...], frozenset[str]]:
        """Ids of the marked rows of this list, else of the row under the cursor; and the states they are in,
        empty where not all of them are known. Asked for often: worked out again only after a change."""
        key = (self.marks.version, self._range(), None if self.marked_here else self.current)
        if key != self._chosen_for or self._chosen_of is not self._store.ids:
            self._chosen_for, self._chosen_of = key, self._store.ids
            self._chosen = self._choose()
        return self._chosen

    def _choose(self) -> tuple[tuple[int, ...], frozenset[str]]:
        within = self._range()
        ids: tuple[int, ...] = tuple(self.marks.among(self._store.ids))
        if within:
            ids = tuple(dict.fromkeys([*ids, *self._store.ids[within.start : within.stop]]))
        if not ids:
            ids = () if self.current_id is None else (self.current_id,)
        rows = [self._store.known(each) for each in ids] if len(ids) <= STATES_OF_ROWS else [None]
        return ids, frozenset() if None in rows else states_of(rows)

    def show(self, source: ListSource[Row], empty: Notice, at: int | None = None) -> None:
        self._anchor, self.marked_here = None, 0
        super().show(source, empty, at)

    def _adopt(self, ids: array[int]) -> None:
        anchor = None if self._anchor is None else self._store.ids[self._anchor]
        super()._adopt(ids)
        self._anchor = None if anchor is None else self._store.index_of(anchor, self.cursor)
        if self.marks:
            begin(self, self._count_marks, group="marks", exclusive=False)

    def watch_cursor(self, old: int, new: int) -> None:
        super().watch_cursor(old, new)
        if self.in_range:
            self._changed()

    def _changed(self) -> None:
        self.refresh()
        self.post_message(self.Marked())
