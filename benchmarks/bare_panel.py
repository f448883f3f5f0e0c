"""What the panel is measured against, each a program of its own:
`python -m benchmarks.bare_panel app` is the least app of Textual, `table CATALOG` a virtual table in sixty
lines: a ScrollView's lines over SQLite, six columns, and nothing around it."""

from __future__ import annotations

import sqlite3
import sys
from array import array
from functools import lru_cache
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static


class BareApp(App[None]):
    """One word on the screen."""

    def compose(self) -> ComposeResult:
        yield Static("ready")


class BareTable(ScrollView, can_focus=True):
    """Rows of pages by id, 256 at a time, a cursor."""

    BINDINGS: ClassVar = [
        Binding("j", "go(1)"),
        Binding("k", "go(-1)"),
        Binding("g", "go(-9999999)"),
        Binding("pagedown", "go(50)"),
        Binding("pageup", "go(-50)"),
    ]
    cursor = reactive(0, repaint=False)

    def __init__(self, path: str) -> None:
        super().__init__()
        self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self.ids = array("q", (row[0] for row in self.connection.execute("SELECT id FROM page ORDER BY id")))
        self.chunk = lru_cache(12)(self._chunk)

    def _chunk(self, number: int) -> dict[int, tuple[Any, ...]]:
        ids = self.ids[number * 256 : number * 256 + 256]
        sql = (
            "SELECT p.id, d.name, p.number, p.state, p.failure, p.engine, p.confidence FROM page AS p"
            f" JOIN document AS d ON d.id = p.document_id WHERE p.id IN ({','.join('?' * len(ids))})"
        )
        return {row[0]: row[1:] for row in self.connection.execute(sql, tuple(ids))}

    def on_mount(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.ids))

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        name, number, state, failure, engine, confidence = self.chunk(index // 256)[self.ids[index]]
        style = Style(bgcolor="blue") if index == self.cursor else Style()
        cells = (f"{name[:40]:40}", f"{number:6}", f"{state:10}", f"{failure or '':14}", f"{engine or '':14}",
                 f"{confidence or 0:.2f}")  # fmt: skip
        return Strip([Segment(cell + "  ", style) for cell in cells]).adjust_cell_length(
            self.size.width, style
        )

    def watch_cursor(self, old: int, new: int) -> None:
        self.refresh_lines(old)
        self.refresh_lines(new)
        if not 0 <= new - self.scroll_offset.y < self.size.height:
            self.scroll_to(y=new - (self.size.height - 1 if new > old else 0), animate=False)

    def action_go(self, step: int) -> None:
        self.cursor = max(0, min(len(self.ids) - 1, self.cursor + step))


class BareTableApp(App[None]):
    """Only the table."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> ComposeResult:
        yield BareTable(self._path)


if __name__ == "__main__":
    (BareApp() if sys.argv[1] == "app" else BareTableApp(sys.argv[2])).run()
