"""The line in which one types what to look for."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

MOST_CHARACTERS = 200


class FindLine(Horizontal):
    """Hidden until asked for. Enter takes the text, escape leaves all as it was."""

    BINDINGS: ClassVar = [Binding("escape", "leave", "Leave", show=False)]

    class Asked(Message):
        """`text` None: nothing is to change."""

        def __init__(self, text: str | None) -> None:
            super().__init__()
            self.text = text

    def __init__(self, label: str = "Find in names:") -> None:
        super().__init__()
        self._label = label

    def compose(self) -> ComposeResult:
        yield Label(self._label, markup=False)
        yield Input(max_length=MOST_CHARACTERS, compact=True, select_on_focus=True)

    def on_mount(self) -> None:
        self.display = False

    def ask(self, text: str, label: str = "") -> None:
        """Show the line with `text` in it; `label` says in what it is looked for, if not where it always
        is."""
        self.display = True
        self.query_one(Label).update(label or self._label)
        field = self.query_one(Input)
        field.value = text
        field.focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._end(event.value.strip())

    def action_leave(self) -> None:
        self._end(None)

    def _end(self, text: str | None) -> None:
        self.display = False
        self.post_message(self.Asked(text))
