"""A table whose rows can be marked; marks hold on to ids, and to a name for each."""

from __future__ import annotations

from array import array
from typing import ClassVar, Protocol, TypeVar

from textual.binding import Binding
from textual.message import Message

from bocr_tui.config.errors import BocrError
from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.widgets.row_store import Identified
from bocr_tui.ui.widgets.table_drawing import Sheet
from bocr_tui.ui.widgets.virtual_table import VirtualTable


class Named(Identified, Protocol):
    """A row with a name."""

    @property
    def name(self) -> str: ...


Row = TypeVar("Row", bound=Named)

UNKNOWN_NAME = "…"
"""Of a row that was marked with all others and never read."""


class MarkTable(VirtualTable[Row]):
    """`marked` maps the ids that are marked to their names, in the order in which they were."""

    BINDINGS: ClassVar = with_ids(
        "mark_table",
        [
            Binding("space", "mark", "Mark", tooltip="Mark the row: marked ones are planned, or sent."),
            Binding("a", "mark_all", "Mark all", show=False, tooltip="Mark every row of the list, or none."),
        ],
    )

    class Marked(Message):
        """Other rows are marked now."""

    def __init__(
        self, sheet: Sheet[Row], *, id: str | None = None, quiet: tuple[type[BocrError], ...] = ()
    ) -> None:
        super().__init__(sheet, id=id, quiet=quiet)
        self.marked: dict[int, str] = {}

    @property
    def ids(self) -> array[int]:
        """The ids of the whole list, in order."""
        return self._store.ids

    def is_marked(self, index: int) -> bool:
        return bool(self.marked) and self._store.ids[index] in self.marked

    def action_mark(self) -> None:
        row = self.current
        if row is None:
            return
        if self.marked.pop(row.id, None) is None:
            self.marked[row.id] = row.name
        self.action_move(1)
        self._changed()

    def action_mark_all(self) -> None:
        if set(self.ids) <= self.marked.keys():
            self.marked.clear()
        else:
            self.marked.update({each: self.marked.get(each, UNKNOWN_NAME) for each in self.ids})
        self._changed()

    def unmark(self) -> None:
        """Take all marks away."""
        self.marked.clear()
        self._changed()

    def forget_gone(self) -> bool:
        """Take the marks off rows that the list does not hold any more; True when there were some."""
        if not self.marked or not self.complete:
            return False
        there = set(self.ids)
        gone = [each for each in self.marked if each not in there]
        for each in gone:
            del self.marked[each]
        if gone:
            self._changed()
        return bool(gone)

    def _changed(self) -> None:
        self.refresh()
        self.post_message(self.Marked())
