"""Two small questions: which of several, and whether really."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label, OptionList, Static
from textual.widgets.option_list import Option

from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.work import begin, end_work

MOST_SHOWN = 400
"""Characters of a command in a dialog: five lines; the whole of it is what is copied."""


class Pick(ModalScreen[str | None]):
    """Choose one of several; the answer is its key, None when left."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "leave", "Leave", show=False),
        Binding("j", "move(1)", "Down", show=False),
        Binding("k", "move(-1)", "Up", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(self._title, markup=False, classes="dialog-title")
            yield OptionList(
                *(Option(Text(clean(text)), id=str(index)) for index, (_, text) in enumerate(self._choices)),
                compact=True,
            )
            yield Label("enter chooses, esc leaves", markup=False, classes="dialog-hint")

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index][0])

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_leave(self) -> None:
        self.dismiss(None)


class Confirm(ModalScreen[bool]):
    """Whether really; the button under the cursor is the one that changes nothing.

    `command` is shown as what would do the same, and c copies it. `costs` is asked for further sentences,
    which come when they are known.
    """

    BINDINGS: ClassVar = [
        Binding("escape,n,q", "answer(False)", "No", show=False),
        Binding("left,h,right,l", "app.focus_next", "Other button", show=False),
        Binding("c", "copy", "Copy the command", show=False),
    ]

    def __init__(
        self,
        question: str,
        consequence: str,
        yes: str,
        *,
        command: str = "",
        costs: Callable[[], Awaitable[tuple[str, ...]]] | None = None,
    ) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._yes = yes
        self._command = command
        self._costs = costs

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog question"):
            yield Label(self._question, markup=False, classes="dialog-title")
            yield Static(Text(clean(self._consequence)))
            yield Static(Text("estimating…"), id="costs")
            if self._command:
                yield Label("The same as this command (c copies it):", classes="dialog-hint")
                yield Static(Text(clean(fit_command(self._command))), id="twin")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Leave as it is", id="no", compact=True, variant="primary")
                yield Button(Text(clean(self._yes)), id="yes", compact=True)

    def on_mount(self) -> None:
        self.query_one("#no").focus()
        self.query_one("#costs").display = self._costs is not None
        if self._costs is not None:
            begin(self, self._tell_costs, group="costs")

    def _on_prune(self) -> None:
        end_work(self)

    async def _tell_costs(self) -> None:
        assert self._costs is not None
        said = await self._costs()
        line = self.query_one("#costs", Static)
        line.display = bool(said)
        line.update(Text(clean(" ".join(said))))

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)

    def action_copy(self) -> None:
        if self._command:
            self.app.copy_to_clipboard(self._command)
            self.notify("The command was sent to the terminal's clipboard.", markup=False)


def fit_command(command: str) -> str:
    """A command as a dialog shows it: its beginning and its end, where it is very long."""
    if len(command) <= MOST_SHOWN:
        return command
    half = MOST_SHOWN // 2
    return f"{command[:half]} … {command[-half:]}"
