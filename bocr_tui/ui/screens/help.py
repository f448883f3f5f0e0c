"""Every key of the screen one stands on, in groups, with what it does and why it cannot do it now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from bocr_tui.ui.offers import Offer, grouped
from bocr_tui.ui.widgets.drawn_once import DrawnOnce
from bocr_tui.ui.widgets.tones import tone_style

MOST_CHARACTERS = 60


def fits(offer: Offer, said: str) -> bool:
    """Whether every word that was typed occurs in what the offer says."""
    return says(said, " ".join((offer.title, offer.tooltip, offer.id, *offer.keys)))


def says(said: str, told: str) -> bool:
    """Whether every word of `said` occurs in `told`."""
    return all(word in told.casefold() for word in said.casefold().split())


class Search(Input):
    """The line one searches in; the key that opened the help closes it, while nothing is typed."""

    def on_key(self, event: events.Key) -> None:
        if event.character == "?" and not self.value:
            event.stop()
            event.prevent_default()
            self.screen.dismiss(None)


class Help(ModalScreen[None]):
    """Shows what can be done on the screen below, and what troubled the panel since it was opened."""

    BINDINGS: ClassVar = [
        Binding("escape", "back", "Leave", show=False),
        Binding("down", "turn(1)", "Down", show=False, priority=True),
        Binding("up", "turn(-1)", "Up", show=False, priority=True),
        Binding("f1", "tour", "Tour", show=False, priority=True),
    ]

    def __init__(
        self, offers: Sequence[Offer], troubles: Sequence[str], filters: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__()
        self._filters = filters
        self._offers = offers
        self._troubles = troubles

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Search(placeholder="type to search", max_length=MOST_CHARACTERS, compact=True)
            with VerticalScroll(can_focus=False):
                if self._troubles:
                    yield Label("What went wrong since the panel was opened", classes="dialog-title")
                    yield Static(Text("\n".join(self._troubles)), classes="dialog-troubles")
                yield Static(self._table(""), id="keys")
            yield Label(
                "esc leaves, f1 is a tour; `:` takes a command, ctrl+p finds one",
                markup=False,
                classes="dialog-hint",
            )

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def _table(self, said: str) -> DrawnOnce:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, style="bold", min_width=10)
        grid.add_column(no_wrap=True)
        grid.add_column()
        muted, warning = tone_style(self, "muted"), tone_style(self, "warning")
        found = [offer for offer in self._offers if fits(offer, said)]
        for group, members in grouped(found):
            grid.add_row(Text(""), Text(group, style=tone_style(self, "accent")))
            for offer in members:
                told = Text(offer.tooltip, style=muted)
                if offer.why_not:
                    told.append(f" Not now: {offer.why_not}", warning)
                grid.add_row(Text(" ".join(offer.keys)), Text(offer.title), told)
        asked = [row for row in self._filters if says(said, f"filter {' '.join(row)}")]
        if asked:
            grid.add_row(Text(""), Text("What / can ask", style=tone_style(self, "accent")))
            for typed, tells in asked:
                grid.add_row(Text(typed), Text(""), Text(tells, style=muted))
        if not found and not asked:
            grid.add_row(Text(""), Text("Nothing here says that."))
        return DrawnOnce(grid)

    @on(Input.Changed)
    def _search(self, event: Input.Changed) -> None:
        self.query_one("#keys", Static).update(self._table(event.value))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.dismiss(None)

    def action_tour(self) -> None:
        from bocr_tui.ui.screens.tour import Tour

        self.app.switch_screen(Tour())

    def action_turn(self, step: int) -> None:
        scroll = self.query_one(VerticalScroll)
        scroll.scroll_relative(y=step, animate=False)

    def action_back(self) -> None:
        """First what was typed goes, then the help."""
        field = self.query_one(Input)
        if field.value:
            field.value = ""
        else:
            self.dismiss(None)
