"""The mouse on a table: a click chooses a row, a second one opens it, the wheel and the scrollbar move
the view, a title sorts."""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeVar

from textual import events
from textual.message import Message

from bocr_tui.ui.widgets.row_store import Identified
from bocr_tui.ui.widgets.table_drawing import HEADER_LINES, DrawnTable

Row = TypeVar("Row", bound=Identified)

WHEEL_ROWS = 3
"""As many lines as a turn of the wheel moves in most programs."""


class TitleClicked(Message):
    """The title of a column that sorts was clicked."""

    def __init__(self, sort: str) -> None:
        super().__init__()
        self.sort = sort


class PointedTable(DrawnTable[Row]):
    """A drawn table that can be pointed at."""

    @abstractmethod
    def action_select(self) -> None:
        """Open the row under the cursor."""

    def on_click(self, event: events.Click) -> None:
        if event.x >= self.size.width - 1:
            return
        if event.y < HEADER_LINES:
            placed = self.placed_at(event.x)
            if placed is not None and placed.column.sort:
                self.post_message(TitleClicked(placed.column.sort))
            return
        index = event.y - HEADER_LINES + self.top
        if index < self.row_count:
            self.cursor = index
            if event.chain > 1:
                self.action_select()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._view_from(self.top + WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._view_from(self.top - WHEEL_ROWS)

    def _view_from(self, index: int) -> None:
        """Move the view; the cursor stays on its row until that would be out of sight."""
        self.show_from(index)
        self.cursor = max(self.top, min(self.cursor, self.top + self.rows_in_view - 1))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        if event.x >= self.size.width - 1 and event.y >= HEADER_LINES:
            event.stop()
            self.capture_mouse()
            self._drag_to(event.y)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self.app.mouse_captured is self:
            self._drag_to(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        if self.app.mouse_captured is self:
            self.release_mouse()

    def _drag_to(self, y: int) -> None:
        """The scrollbar's thumb to line `y`."""
        share = (y - HEADER_LINES) / max(1, self.rows_in_view - 1)
        self._view_from(round(min(1.0, max(0.0, share)) * (self.row_count - self.rows_in_view)))
