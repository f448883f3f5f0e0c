"""A walk through the panel in a few cards."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from bocr_tui.ui.tour_cards import CARDS, Card
from bocr_tui.ui.widgets.tones import tone_style


class Tour(ModalScreen[None]):
    """Shows one card at a time."""

    BINDINGS: ClassVar = [
        Binding("enter,right,space,l,j,down", "turn(1)", "Next", show=False),
        Binding("left,backspace,h,k,up", "turn(-1)", "Before", show=False),
        Binding("escape,q", "leave", "Leave", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._at = 0

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog tour"):
            yield Label("", id="tour-title", classes="dialog-title", markup=False)
            yield Static("", id="tour-words")
            yield Label("", id="tour-hint", classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        card = CARDS[self._at]
        last = self._at == len(CARDS) - 1
        self.query_one("#tour-title", Label).update(f"{card.title} ({self._at + 1} of {len(CARDS)})")
        self.query_one("#tour-words", Static).update(self._drawn(card))
        forth = "enter ends the tour" if last else "enter goes on"
        self.query_one("#tour-hint", Label).update(f"{forth}, ← goes back, esc leaves")

    def _drawn(self, card: Card) -> Group:
        keys = Table.grid(padding=(0, 2))
        keys.add_column(no_wrap=True, min_width=8)
        keys.add_column()
        for key in card.keys:
            keys.add_row(Text(key.shown, tone_style(self, "title")), Text(key.does))
        return Group(Text(f"{card.words}\n"), keys)

    def action_turn(self, step: int) -> None:
        """To the next card or the one before; past the last, the tour ends."""
        if self._at + step >= len(CARDS):
            self.dismiss(None)
            return
        self._at = max(0, self._at + step)
        self._show()

    def action_leave(self) -> None:
        self.dismiss(None)
