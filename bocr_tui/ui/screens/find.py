"""The line in which one types what to look for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Label
from textual.widgets.input import Selection

from bocr_tui.catalog.filter_language import FilterError
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine

MOST_CHARACTERS = 200


class FindLine(Vertical):
    """Hidden until asked for. Enter takes the text, escape leaves all as it was, the up arrow brings back
    what was typed before. Above it stands what is said of the text while it is typed."""

    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("up", "earlier(1)", "Earlier", show=False),
        Binding("down", "earlier(-1)", "Later", show=False),
    ]

    class Asked(Message):
        """`text` None: nothing is to change."""

        def __init__(self, text: str | None) -> None:
            super().__init__()
            self.text = text

    class Typed(Message):
        """The text changed to one that can be understood, in a line that says something of it."""

        def __init__(self, line: FindLine, text: str) -> None:
            super().__init__()
            self.line = line
            self.text = text

    def __init__(self, label: str = "Find in names:") -> None:
        super().__init__()
        self._label = label
        self._history: list[str] = []
        self._back = 0
        self._check: Callable[[str], object] | None = None

    def on_mount(self) -> None:
        self.display = False

    def _furnish(self) -> None:
        """Make what is in it when it is first asked for: a screen opens without."""
        if not self.children:
            row = Horizontal()
            self.mount(PartsLine(id="find-said"), row)
            row.mount(
                Label(self._label, markup=False),
                Input(max_length=MOST_CHARACTERS, compact=True, select_on_focus=True),
            )

    @property
    def _field(self) -> Input:
        return self.query_one(Input)

    def ask(
        self,
        text: str,
        label: str = "",
        *,
        check: Callable[[str], object] | None = None,
        history: Sequence[str] = (),
    ) -> None:
        """Show the line with `text` in it; `label` says in what it is looked for, if not where it always
        is. `check` raises FilterError for a text that is not taken; what it takes is told as Typed, so that
        `say` can answer. `history` is what was typed before, the newest last."""
        self._furnish()
        self.display = True
        self.query_one("#find-said", PartsLine).display = check is not None
        self._history, self._back, self._check = [*history, ""], 0, check
        self.query_one(Label).update(label or self._label)
        self._field.value = text
        self.screen.set_focus(self._field)
        self._look_at(text)

    def shows(self, text: str) -> bool:
        """Whether this is still what stands in it."""
        return self.display and self._field.value == text

    def say(self, *parts: Part) -> None:
        """Say something of the text."""
        self.query_one("#find-said", PartsLine).show(((" ", "plain"), *parts))

    def _look_at(self, text: str) -> FilterError | None:
        """Say what is wrong with the text, or tell of it."""
        if self._check is None:
            return None
        try:
            self._check(text)
        except FilterError as error:
            self.say((f"{error.cause} {error.next_step}".strip(), "failed"))
            return error
        self.post_message(self.Typed(self, text))
        return None

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self._look_at(event.value)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        error = self._look_at(event.value)
        if error is None:
            self._end(event.value.strip())
        else:
            self._field.selection = Selection(error.start, max(error.start, min(error.end, len(event.value))))

    def action_leave(self) -> None:
        self._end(None)

    def action_earlier(self, step: int) -> None:
        """To what was typed before, or back towards now."""
        if not self._history:
            return
        if self._back == 0:
            self._history[-1] = self._field.value
        self._back = max(0, min(self._back + step, len(self._history) - 1))
        self._field.value = self._history[-1 - self._back]
        self._field.cursor_position = len(self._field.value)

    def _end(self, text: str | None) -> None:
        self.display = False
        self.post_message(self.Asked(text))
