"""A marking table whose marked rows are also known by their names, for a command that names them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import ClassVar, Protocol, TypeVar

from textual.binding import Binding

from bocr_tui.config.errors import BocrError
from bocr_tui.ui.widgets.marking_table import MarkingTable
from bocr_tui.ui.widgets.row_store import Identified
from bocr_tui.ui.widgets.table_drawing import Sheet


class Named(Identified, Protocol):
    """A row with a name."""

    @property
    def name(self) -> str: ...


Row = TypeVar("Row", bound=Named)

UNKNOWN_NAME = "…"
"""Of a row that was marked with all others and is not in memory."""


class MarkTable(MarkingTable[Row]):
    """`marked` maps the marked ids of this list to their names, in the list's order."""

    BINDINGS: ClassVar = [
        Binding("space", "mark", "Mark", tooltip="Mark the row: marked ones are planned, or sent."),
    ]

    def __init__(
        self, sheet: Sheet[Row], *, id: str | None = None, quiet: tuple[type[BocrError], ...] = ()
    ) -> None:
        super().__init__(sheet, id=id, quiet=quiet)
        self._marked: dict[int, str] = {}
        self._marked_for: tuple[int, array[int]] = (-1, array("q"))

    @property
    def ids(self) -> array[int]:
        """The ids of the whole list, in order."""
        return self._store.ids

    @property
    def marked(self) -> Mapping[int, str]:
        """Found again only when the marks or the list changed."""
        version, ids = self._marked_for
        if version != self.marks.version or ids is not self._store.ids:
            self._marked_for = (self.marks.version, self._store.ids)
            self._marked = {each: self._name_of(each) for each in self.marks.among(self._store.ids)}
        return self._marked

    def _name_of(self, row_id: int) -> str:
        row = self._store.known(row_id)
        return UNKNOWN_NAME if row is None else row.name
