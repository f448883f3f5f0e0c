"""A list with its preview: what Batches, Jobs, Pages and Documents have in common."""

from __future__ import annotations

import time
from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer
from textual.widget import Widget

from bocr_tui.catalog.lists import NoCatalog
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.safe_text import shortened
from bocr_tui.ui.screens.filtering import FilteredScreen
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.widgets.body import Body
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.marking_table import MarkingTable
from bocr_tui.ui.widgets.row_store import Identified
from bocr_tui.ui.widgets.table_drawing import Notice, Sheet
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.widgets.virtual_table import ListSource, VirtualTable
from bocr_tui.ui.wording import count
from bocr_tui.ui.work import begin

Row = TypeVar("Row", bound=Identified)

REREAD_REST = 4.0
"""After a list took t seconds to read it is not read again for REREAD_REST * t while pages stream by."""


class ListScreen(FilteredScreen, Generic[Row]):
    """Shows one list of the catalog. Subclasses say which, how it looks and what its preview tells."""

    BINDINGS: ClassVar = [
        Binding(
            "escape", "back", "Back", tooltip="Take marks away, clear the filter, or go back.", show=False
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._cursor_id: int | None = None
        """The row on which the list begins, where that is known."""
        self._read_began = 0.0
        self._not_before = 0.0
        self._reread_later: Timer | None = None

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        with Body(id="body"):
            yield MarkingTable(self.sheet(), id="table", quiet=(NoCatalog,))
            yield Facts(id="preview")
            yield self.third_pane()
        yield PartsLine(id="detail")
        yield FindLine()
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self.show_list()
        self.table.focus()

    @property
    def table(self) -> VirtualTable[Row]:
        return self.query_one("#table", VirtualTable)

    @abstractmethod
    def sheet(self) -> Sheet[Row]:
        """How rows become cells."""

    @abstractmethod
    def source(self) -> ListSource[Row]:
        """The list under the present filter."""

    @abstractmethod
    async def preview(self, row: Row) -> None:
        """Fill the panes beside the table."""

    @abstractmethod
    def open_row(self, row: Row) -> None:
        """Go into a row."""

    def third_pane(self) -> Widget:
        """What stands at the right of a wide terminal."""
        return Facts(id="third")

    def detail(self, row: Row) -> tuple[Part, ...]:
        """What a narrow terminal, which has no preview, says of the row under the cursor: one line."""
        return ()

    def here(self) -> str | None:
        """The place this list belongs to."""
        return self.PLACE

    def trail(self) -> str:
        """Where one came from: shown before the filter."""
        return ""

    def nothing_yet(self) -> Notice:
        """What the list says when it is empty without any filter."""
        return Notice(f"No {self.THINGS} yet.")

    def show_list(self) -> None:
        """Read the list anew under the present filter, from its first row."""
        self._read_began = time.monotonic()
        self.table.order = self.view.order
        self.table.show(self.source(), self._notice(), self._cursor_id)
        self._cursor_id = None
        self.tell_place()

    def _notice(self) -> Notice:
        filters = self.filters()
        if filters:
            return Notice(f"No {self.THINGS} with {', '.join(filters)}.", "esc shows everything.")
        return self.nothing_yet()

    def return_to_list(self) -> None:
        self.table.focus()

    def chosen(self) -> tuple[tuple[int, ...], frozenset[str]]:
        """Ids of the marked rows, else of the row under the cursor, and the states they are in."""
        table = self.table
        assert isinstance(table, MarkingTable)
        return table.chosen()

    def acted(self, action_id: str) -> None:
        super().acted(action_id)
        if isinstance(self.table, MarkingTable):
            self.table.unmark()

    def remember(self) -> dict[str, Any]:
        return {**super().remember(), "cursor": self.table.current_id}

    def recall(self, state: dict[str, Any]) -> None:
        super().recall(state)
        cursor = state.get("cursor")
        self._cursor_id = cursor if isinstance(cursor, int) else None

    def changed(self) -> None:
        """Read again what is shown, but not all the time while pages stream by."""
        if not self.query("#table"):
            return  # it opens or closes
        wait = self._not_before - time.monotonic()
        if wait <= 0:
            self._reread()
        elif self._reread_later is None:
            self._reread_later = self.set_timer(wait, self._reread)

    def _reread(self) -> None:
        self._reread_later = None
        if not self.query("#table"):
            return
        self._read_began = time.monotonic()
        self._not_before = self._read_began + 0.5
        self.table.reread()

    @on(VirtualTable.Loaded)
    def _loaded(self) -> None:
        took = time.monotonic() - self._read_began
        self._not_before = time.monotonic() + took * REREAD_REST
        self.tell_place()

    def tell_standing(self) -> None:
        super().tell_standing()
        if self.is_mounted and self.query("#table"):
            self.tell_place()

    def tell_place(self) -> None:
        """The second line: the place, the filter, how many rows; or why they may be old."""
        table = self.table
        table.tell_empty(self._notice())
        parts: list[Part] = []
        words = [
            word
            for word in (
                shortened(self.trail(), self.size.width // 4),
                *self.filters(),
                self.view.order_words,
            )
            if word
        ]
        if words:
            parts.append((" · ".join(words) + "  ", "accent"))
        parts += self._marks_told()
        if table.trouble is not None and table.loaded:
            age = time.monotonic() - (table.trouble_since or time.monotonic())
            parts.append((f"stale {age:.0f} s, ctrl+r tries again  ", "warning"))
        elif table.loaded:
            more = "" if table.complete else "+"
            thing = self.THING if table.row_count == 1 else self.THINGS
            parts.append((f"{count(table.row_count)}{more} {thing} ", "muted"))
        self.tell_place_line(tuple(parts), self.here())

    def _marks_told(self) -> list[Part]:
        """How many rows are marked; those of rows that this list does not hold are not acted on."""
        table = self.table
        if not isinstance(table, MarkingTable) or not (table.marks or table.in_range):
            return []
        here, elsewhere = len(table.chosen()[0]) if table.in_range else table.marked_here, 0
        if not table.in_range:
            elsewhere = len(table.marks) - here
        beside = f" (+{count(elsewhere)} not shown)" if elsewhere else ""
        ends = ", v ends" if table.in_range else ""
        return [(f"● {count(here)} marked{beside}{ends}  ", "accent")]

    @on(MarkingTable.Marked)
    def _marked(self) -> None:
        self.tell_place()

    @on(VirtualTable.Highlighted)
    def _highlighted(self) -> None:
        self.tell_detail()
        self._begin_preview()

    def tell_detail(self) -> None:
        """The line below the list, which is there only while it says something."""
        row = self.table.current
        parts = () if row is None else self.detail(row)
        for line in self.query("#detail").results(PartsLine):
            line.display = bool(parts)
        self.tell_line("#detail", parts)

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._begin_preview)

    @on(Facts.Appeared)
    def _begin_preview(self) -> None:
        pane = next(iter(self.query("#preview").results(Facts)), None)
        if pane is None or not self.shown(pane):
            return
        row = self.table.current
        if row is not None:
            begin(self, partial(self._preview, row), group="preview")
        elif not self.table.row_count:
            pane.say("")

    async def _preview(self, row: Row) -> None:
        try:
            await self.preview(row)
        except BocrError as error:
            self.query_one("#preview", Facts).say(f"{error.cause} {error.next_step}", "failed")

    @on(VirtualTable.Selected)
    def _selected(self) -> None:
        row = self.table.current
        if row is not None:
            self.open_row(row)

    def action_back(self) -> None:
        table = self.table
        if isinstance(table, MarkingTable) and table.unmark():
            return
        if self.clear_filters():
            self.show_list()
        else:
            super().action_back()
