"""A small question that is answered by typing, and a text to be read in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from bocr_tui.config.errors import BocrError
from bocr_tui.ui.safe_text import clean

MOST_CHARACTERS = 500


class Enter(ModalScreen[str | None]):
    """Type a value; the answer is None when left. `check` raises BocrError for what does not do, and its
    words stand below the line."""

    BINDINGS: ClassVar = [Binding("escape", "leave", "Leave", show=False)]

    def __init__(
        self, title: str, value: str, hint: str, check: Callable[[str], object] | None = None
    ) -> None:
        super().__init__()
        self._title = title
        self._value = value
        self._hint = hint
        self._check = check

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(clean(self._title), markup=False, classes="dialog-title")
            yield Input(self._value, max_length=MOST_CHARACTERS, compact=True, select_on_focus=True)
            yield Static(Text(clean(self._hint)), classes="entering-hint")
            yield Static("", id="wrong")
            yield Label("enter takes it, esc leaves", markup=False, classes="dialog-hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        value = event.value.strip()
        try:
            if self._check is not None:
                self._check(value)
        except BocrError as error:
            self.query_one("#wrong", Static).update(Text(clean(f"{error.cause} {error.next_step}".strip())))
            return
        self.dismiss(value)

    def action_leave(self) -> None:
        self.dismiss(None)


SIDEWAYS_CELLS = 16


class Paper(ModalScreen[None]):
    """A text in full, scrollable; long lines can be scrolled to. `remarks` stand above it."""

    DEFAULT_CSS = """
    Paper { align: center middle; background: $background 60%; }
    Paper .paper-remarks { color: $muted; height: auto; padding-bottom: 1; }
    Paper .paper-wide { width: auto; text-wrap: nowrap; }
    Paper #paper { overflow-x: auto; }
    """

    BINDINGS: ClassVar = [
        Binding("escape,q,enter", "leave", "Leave", show=False),
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
        Binding("l,right", "aside(1)", "Right", show=False),
        Binding("h,left", "aside(-1)", "Left", show=False),
        Binding("ctrl+d,pagedown,space", "turn(1)", "Screen down", show=False),
        Binding("ctrl+u,pageup", "turn(-1)", "Screen up", show=False),
        Binding("g,home", "ends(False)", "First", show=False),
        Binding("G,end", "ends(True)", "Last", show=False),
    ]

    def __init__(self, title: str, text: str, remarks: str = "", *, wrap: bool = False) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._remarks = remarks
        self._wrap = wrap

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Label(clean(self._title), markup=False, classes="dialog-title")
            if self._remarks:
                yield Static(Text(clean(self._remarks)), classes="paper-remarks")
            lines = [clean(line.replace("\t", "    ")) for line in self._text.splitlines()]
            text = Text("\n".join(lines), no_wrap=not self._wrap, overflow="fold")
            with VerticalScroll(id="paper"):
                yield Static(text, classes="" if self._wrap else "paper-wide")
            keys = "j k" if self._wrap else "j k h l"
            yield Label(f"{keys} move, esc leaves", markup=False, classes="dialog-hint")

    def on_mount(self) -> None:
        self.query_one("#paper").focus()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#paper").scroll_relative(y=lines, animate=False)

    def action_aside(self, step: int) -> None:
        self.query_one("#paper").scroll_relative(x=step * SIDEWAYS_CELLS, animate=False)

    def action_turn(self, screens: int) -> None:
        paper = self.query_one("#paper")
        paper.scroll_relative(y=screens * max(1, paper.size.height - 1), animate=False)

    def action_ends(self, last: bool) -> None:
        paper = self.query_one("#paper")
        if last:
            paper.scroll_end(animate=False)
        else:
            paper.scroll_home(animate=False)

    def action_leave(self) -> None:
        self.dismiss(None)
