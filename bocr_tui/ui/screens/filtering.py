"""What all lists have in common when they are filtered and sorted: the keys, the line one types in, the count
that answers it, and what is remembered of it."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.binding import Binding

from bocr_tui.catalog.filter_language import Grammar, Term
from bocr_tui.catalog.lists import Reader
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.list_view import ListView, Order
from bocr_tui.ui.reading import Lane
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.widgets.table_mouse import TitleClicked
from bocr_tui.ui.wording import count
from bocr_tui.ui.work import begin

COUNT_AFTER_S = 0.15
"""Who types faster than this does not look at the count."""

COUNTED_TO = 10_000
"""Rows counted while one types: some milliseconds, whatever the filter."""

CHOOSES = "Filter:"


class FilteredScreen(PanelScreen[None]):
    """A list's screen that can be filtered and sorted. `ONLY` names what `f` leaves in the list."""

    THING: ClassVar[str] = "row"
    THINGS: ClassVar[str] = "rows"
    ONLY: ClassVar[str] = "only failed"
    GRAMMAR: ClassVar[Grammar | None] = None
    """What filters can ask; None: a text is looked for in names."""
    ORDERS: ClassVar[tuple[Order, ...]] = ()

    BINDINGS: ClassVar = [
        Binding(
            "f",
            "toggle_only",
            "Only failed",
            tooltip="Show only what failed, or everything again.",
            id="list.only_failed",
        ),
        Binding(
            "slash",
            "find",
            "Find",
            key_display="/",
            tooltip="Show only what fits: words of names, state:failed, conf<80 and so on.",
            id="list.find",
        ),
        Binding(
            "S",
            "sort",
            "Sort",
            show=False,
            tooltip="Order the list; the same again: the other way.",
            id="list.sort",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.view = ListView(self.GRAMMAR, self.ORDERS)

    @abstractmethod
    def show_list(self) -> None:
        """Read the list anew under the present filter, from its first row."""

    @abstractmethod
    def return_to_list(self) -> None:
        """Give the keys back to the list."""

    def count_rows(self, reader: Reader, terms: tuple[Term, ...]) -> int:
        """How many rows a filter would leave, counted to COUNTED_TO and one more."""
        raise NotImplementedError

    def filters(self) -> list[str]:
        """The present filter in words; empty: everything is shown."""
        return self.view.words(self.ONLY)

    def clear_filters(self) -> bool:
        """Show everything again; False when that is the case already."""
        return self.view.clear()

    def toggle_only(self) -> None:
        """Change the filter to what failed, or back."""
        self.view.only = not self.view.only

    def find(self, text: str) -> None:
        """Change the filter. Raises FilterError."""
        self.view.take(text)

    def found_text(self) -> str:
        """What is looked for now."""
        return self.view.text

    def action_toggle_only(self) -> None:
        self.toggle_only()
        self.show_list()

    def action_find(self) -> None:
        line = self.query_one(FindLine)
        if self.GRAMMAR is None:
            line.ask(self.found_text())
        else:
            line.ask(self.found_text(), CHOOSES, check=self.view.parsed, history=self.view.history)

    @on(FindLine.Asked)
    def _asked(self, message: FindLine.Asked) -> None:
        self.return_to_list()
        if message.text is not None and message.text != self.found_text():
            self.find(message.text)
            self.show_list()

    @on(FindLine.Typed)
    def _typed(self, message: FindLine.Typed) -> None:
        """Say soon how much the filter leaves; of none, what can be asked."""
        terms = self.view.parsed(message.text)
        if not message.text.strip() and self.GRAMMAR is not None:
            names = "  ".join(self.GRAMMAR.names())
            message.line.say((f"{names}  also: -not, a,b for either, conf<80, changed>2h", "muted"))
        begin(self, partial(self._count, message.line, message.text, terms), group="count")

    async def _count(self, line: FindLine, text: str, terms: tuple[Term, ...]) -> None:
        await asyncio.sleep(COUNT_AFTER_S)
        try:
            found = await self.panel.reading.ask(Lane.IDS, lambda reader: self.count_rows(reader, terms))
        except BocrError as error:
            line.say((error.cause, "failed"))
            return
        if terms and line.shows(text):
            more = "+" if found > COUNTED_TO else ""
            thing = self.THING if found == 1 else self.THINGS
            number = f"{count(min(found, COUNTED_TO))}{more} {thing}"
            line.say((number, "accent" if found else "warning"))

    @work(exclusive=True, group="pick")
    async def action_sort(self) -> None:
        if not self.ORDERS:
            self.panel.tell("This list has one order only.", "warning")
            return
        from bocr_tui.ui.screens.asking import Pick

        now = self.view.order
        arrow = "▼" if now.backwards else "▲"
        choices = [
            (each.id, f"{each.title} {arrow}" if each.id == now.by else each.title) for each in self.ORDERS
        ]
        chosen = await self.panel.push_screen_wait(Pick("In which order? The same again turns it.", choices))
        if chosen is not None:
            self._sort(chosen)

    @on(TitleClicked)
    def _title_clicked(self, message: TitleClicked) -> None:
        self._sort(message.sort)

    def _sort(self, by: str) -> None:
        self.view.sort(by)
        self.show_list()

    def filter_by(self, text: str) -> None:
        self.find(text)
        self.show_list()

    def filter_words(self) -> Sequence[str]:
        fields = () if self.GRAMMAR is None else self.GRAMMAR.fields
        alone = [f"{each.name}:" for each in fields if each.kind in ("open", "name")]
        compared = [f"{each.name}<" for each in fields if each.kind in ("share", "number", "age")]
        return [f"{each.name}:{word}" for each in fields for word in each.words] + alone + compared

    def filter_help(self) -> Sequence[tuple[str, str]]:
        fields = () if self.GRAMMAR is None else self.GRAMMAR.fields
        return [
            (
                f"{each.name}{'<' if each.kind == 'age' else ':'}",
                f"{each.tells}: {', '.join(each.words)}" if each.words else each.tells,
            )
            for each in fields
        ]

    def sort_by(self, text: str) -> None:
        self._sort(text.strip())

    def sort_words(self) -> Sequence[str]:
        return [each.title for each in self.ORDERS]

    def remember(self) -> dict[str, Any]:
        return self.view.remember()

    def recall(self, state: dict[str, Any]) -> None:
        self.view.recall(state)
