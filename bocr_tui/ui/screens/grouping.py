"""A list summed up: how many rows of each class, engine, document and state; one is picked to be shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from bocr_tui.catalog.list_groups import GROUPS_SHOWN, Group, GroupBy
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.safe_text import clean, fit
from bocr_tui.ui.widgets.columns import bar
from bocr_tui.ui.widgets.tones import toned_text
from bocr_tui.ui.wording import UNKNOWN, count, plain
from bocr_tui.ui.work import end_work

NAME_CELLS, COUNT_CELLS, BAR_CELLS = 24, 9, 12

Ask = Callable[[GroupBy], Awaitable[Sequence[Group]]]


class GroupScreen(ModalScreen[tuple[GroupBy, str] | None]):
    """The answer is by what the list was summed up and the group that was picked; None when left."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "leave", "Leave", show=False),
        Binding("j", "move(1)", "Down", show=False),
        Binding("k", "move(-1)", "Up", show=False),
        Binding("l,right,tab,c", "turn(1)", "Next", show=False),
        Binding("h,left,shift+tab", "turn(-1)", "Before", show=False),
    ]

    def __init__(self, ask: Ask, kinds: Sequence[GroupBy], title: str) -> None:
        super().__init__()
        self._ask = ask
        self._kinds = list(kinds)
        self._at = 0
        self._title = title
        self._groups: Sequence[Group] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label("", markup=False, classes="dialog-title")
            yield OptionList(compact=True)
            yield Label(
                "enter shows them, ← → by something else, esc leaves", markup=False, classes="dialog-hint"
            )

    def on_mount(self) -> None:
        self._show()

    def _on_prune(self) -> None:
        end_work(self)

    @work(exclusive=True, group="groups")
    async def _show(self) -> None:
        kind = self._kinds[self._at]
        heading = self.query_one(".dialog-title", Label)
        tabs: list[tuple[str, str]] = [(f"{self._title} by ", "strong")]
        tabs += [(f" {each} ", "chosen" if each == kind else "muted") for each in self._kinds]
        heading.update(toned_text(self, *tabs))
        options = self.query_one(OptionList)
        try:
            self._groups = await self._ask(kind)
        except BocrError as error:
            options.clear_options()
            options.add_option(Option(Text(clean(f"{error.cause} {error.next_step}")), disabled=True))
            return
        options.clear_options()
        most = max((group.rows for group in self._groups), default=0)
        for index, group in enumerate(self._groups):
            options.add_option(Option(self._line(group, most), id=str(index)))
        if not self._groups:
            options.add_option(Option(Text("There is nothing to sum up."), disabled=True))
        if len(self._groups) == GROUPS_SHOWN:
            options.add_option(Option(Text("and more: / finds them by name"), disabled=True))
        options.highlighted = 0 if self._groups else None
        options.focus()

    def _line(self, group: Group, most: int) -> Text:
        name = fit(clean(plain(group.name) or UNKNOWN), NAME_CELLS, middle=True)
        number = fit(count(group.rows), COUNT_CELLS, align="right")
        return toned_text(
            self, (f"{name} {number}  ", "plain"), *bar(BAR_CELLS, [(group.rows, "accent")], max(1, most))
        )

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        if event.option_id is not None:
            self.dismiss((self._kinds[self._at], self._groups[int(event.option_id)].name))

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_turn(self, step: int) -> None:
        self._at = (self._at + step) % len(self._kinds)
        self._show()

    def action_leave(self) -> None:
        self.dismiss(None)
