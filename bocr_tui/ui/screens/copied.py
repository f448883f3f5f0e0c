"""What was copied, as text that can be selected: a terminal may drop what is sent to its clipboard."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, TextArea

from bocr_tui.ui.safe_text import clean


class Copied(ModalScreen[None]):
    """Shows `text`; left by escape."""

    BINDINGS: ClassVar = [Binding("escape,q,Y", "leave", "Leave", show=False, priority=True)]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = "\n".join(clean(line) for line in text.splitlines())

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Label("Sent to the terminal's clipboard", classes="dialog-title")
            yield TextArea(self._text, read_only=True, show_line_numbers=False, compact=True)
            hint = "Not every terminal takes it (tmux needs set-clipboard on): select it here. esc leaves"
            yield Label(hint, markup=False, classes="dialog-hint")

    def on_mount(self) -> None:
        self.query_one(TextArea).focus()

    def action_leave(self) -> None:
        self.dismiss(None)
