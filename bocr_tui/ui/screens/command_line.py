"""The line one types a command in, with what may come next above it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList
from textual.widgets.option_list import Option

from bocr_tui.ui.completing import Completion, Vocabulary, completions
from bocr_tui.ui.safe_text import clean, fit, width_of
from bocr_tui.ui.widgets.tones import tone_style

MOST_CHARACTERS = 500

BESIDE = 8
"""Cells around a suggestion: margins, the blank before its sentence and the scrollbar."""

LEAST = 12
"""Cells below which a sentence says nothing."""


class CommandLine(ModalScreen[str | None]):
    """What was typed, None when left. Tab takes the suggestion that is marked; enter runs what is typed."""

    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("tab", "complete", "Complete", show=False, priority=True),
        Binding("down", "choose(1)", "Next", show=False, priority=True),
        Binding("up", "choose(-1)", "Before", show=False, priority=True),
    ]

    def __init__(
        self,
        known: Vocabulary,
        line: str = "",
        learn: Callable[[Vocabulary], Awaitable[Vocabulary]] | None = None,
    ) -> None:
        super().__init__()
        self._known = known
        self._learn = learn
        self._line = line
        self._shown: list[Completion] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="command"):
            yield OptionList(compact=True, id="completions")
            with Horizontal(id="command-line"):
                yield Label(":", markup=False)
                yield Input(self._line, max_length=MOST_CHARACTERS, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._suggest(self._line)
        if self._learn is not None:
            self.run_worker(self._learn_more(self._learn), exit_on_error=False)

    async def _learn_more(self, learn: Callable[[Vocabulary], Awaitable[Vocabulary]]) -> None:
        """What takes a while to be known is suggested once it is."""
        self._known = await learn(self._known)
        self._suggest(self.query_one(Input).value)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._suggest(event.value)

    def _suggest(self, line: str) -> None:
        self._shown = completions(line, self._known)
        listed = self.query_one(OptionList)
        muted = tone_style(self, "muted")
        listed.clear_options()
        listed.add_options(
            Option(Text.assemble(clean(each.line), (self._told(each), muted))) for each in self._shown
        )
        listed.display = bool(self._shown)
        listed.highlighted = 0 if self._shown else None

    def _told(self, completion: Completion) -> str:
        """Its sentence, as much of it as fits beside it."""
        room = self.app.size.width - width_of(clean(completion.line)) - BESIDE
        return "  " + fit(completion.tooltip, room) if completion.tooltip and room > LEAST else ""

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._take(event.option_index)

    def action_choose(self, step: int) -> None:
        listed = self.query_one(OptionList)
        if step > 0:
            listed.action_cursor_down()
        else:
            listed.action_cursor_up()

    def action_complete(self) -> None:
        index = self.query_one(OptionList).highlighted
        if index is not None:
            self._take(index)

    def _take(self, index: int) -> None:
        line = self._shown[index].line
        field = self.query_one(Input)
        field.value = line if line.endswith("=") else f"{line} "
        field.cursor_position = len(field.value)
        field.focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        self.dismiss(None)
