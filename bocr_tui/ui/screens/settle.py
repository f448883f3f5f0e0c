"""An unclear submission that nobody could clear up: a person says what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from bocr_tui.actions.action import NEVER_RAN, SettleChoice
from bocr_tui.ui.safe_text import clean

MOST_ID_CHARACTERS = 120


@dataclass(frozen=True)
class Settled:
    """What the person says: ask again, it never ran, or it is `scheduler_id`."""

    choice: SettleChoice
    scheduler_id: str | None = None


class SettleScreen(ModalScreen[Settled | None]):
    """Three choices; None when left. Only the last asks for more: the scheduler's id."""

    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Leave", show=False),
        Binding("j", "move(1)", "Down", show=False),
        Binding("k", "move(-1)", "Up", show=False),
    ]

    def __init__(self, token: str, site: str, reason: str) -> None:
        super().__init__()
        self._token = token
        self._site = site
        self._reason = reason

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            title = f"Was job {clean(self._token)} taken by {clean(self._site)}?"
            yield Label(title, markup=False, classes="dialog-title")
            words = clean(self._reason).rstrip(".") or "The site's answer to its submission never came"
            yield Static(Text(f"{words}. Look for a job of this name there; then:"), classes="dialog-words")
            yield OptionList(
                Option(Text("Ask the site again"), id="ask"),
                Option(Text("It never ran: submit its pages anew"), id=NEVER_RAN),
                Option(Text("It is there, under this id…"), id="id"),
                compact=True,
            )
            yield Input(max_length=MOST_ID_CHARACTERS, compact=True, placeholder="such as 12345.pbs")
            yield Label("enter chooses, esc leaves", markup=False, classes="dialog-hint")

    def on_mount(self) -> None:
        self.query_one(Input).display = False

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option.id == "id":
            field = self.query_one(Input)
            field.display = True
            field.focus()
        else:
            self.dismiss(Settled("ask" if event.option.id == "ask" else NEVER_RAN))

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss(Settled("ask", event.value.strip()))

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_leave(self) -> None:
        self.dismiss(None)
