"""Two attempts on one page side by side, what differs marked in both."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, bisect_right
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal

from bocr_tui.actions.action import Options, Selection
from bocr_tui.catalog.list_rows import AttemptRow
from bocr_tui.ui import wording
from bocr_tui.ui.acting import action_binding
from bocr_tui.ui.comparing import Compared, compare
from bocr_tui.ui.page_read import read_attempt
from bocr_tui.ui.page_story import PageStory
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.text_pane import TextPane
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import WIDE, PartsLine, PlaceLine, TopLine
from bocr_tui.ui.work import begin


class CompareScreen(PanelScreen[None]):
    """The attempts `left` and `right` of a page, by their indexes; a and b choose others."""

    BINDINGS: ClassVar = [
        Binding("a", "other(0)", "Left attempt", tooltip="Another attempt at the left."),
        Binding("b", "other(1)", "Right attempt", tooltip="Another attempt at the right."),
        Binding("n", "difference(1)", "Next difference", tooltip="To the next difference."),
        Binding("N", "difference(-1)", "Difference before", show=False, tooltip="To the difference before."),
        Binding("s", "swap", "Swap", tooltip="Left to the right and right to the left."),
        action_binding("page.accept"),
        Binding("tab", "app.focus_next", "Other side", show=False, tooltip="To the other side."),
    ]

    def __init__(self, story: PageStory, left: int, right: int, place: str = "pages") -> None:
        super().__init__()
        self._story = story
        self._chosen = [left, right]
        self._place = place
        self._compared: Compared | None = None
        self._words = ""

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        yield PartsLine(id="panes")
        with Horizontal(id="body"):
            yield TextPane(id="left", gutter=False)
            yield TextPane(id="right", gutter=False)
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#left").focus()
        begin(self, self._load, group="load")

    async def _load(self) -> None:
        """Read both, compare them in a thread, show them."""
        self._tell("comparing…")
        attempts = [self._story.attempts[index] for index in self._chosen]
        left, right = await asyncio.gather(*(read_attempt(self.panel.results, each) for each in attempts))
        self._compared = compared = await asyncio.to_thread(compare, left.text, right.text)
        panes = self._panes()
        panes[0].show(compared.left if left.text else (), left.trouble)
        panes[1].show(compared.right if right.text else (), right.trouble)
        self._tell(_said(compared))

    def _panes(self) -> tuple[TextPane, TextPane]:
        return self.query_one("#left", TextPane), self.query_one("#right", TextPane)

    def _tell(self, said: str) -> None:
        page = self._story.page
        where = f"page {page.number} of {self._story.document.page_count} "
        self.tell_place_line(((where, "plain"),), self._place)
        left, right = (self._story.attempts[index] for index in self._chosen)
        here = 1 if self._panes()[1].has_focus else 0
        titles: tuple[Part, ...] = (
            self._title("a", 0, left, here),
            ("  ", "muted"),
            self._title("b", 1, right, here),
        )
        self._words = said
        shown = said if self.size.width >= WIDE else said.partition(",")[0]
        self.tell_line("#panes", titles, ((f"{shown} ", "muted"),))

    def _title(self, key: str, side: int, attempt: AttemptRow, here: int) -> Part:
        """Of one side; the one that t accepts is marked."""
        mark = "▸" if side == here else " "
        return (
            f"{mark}{key} {self._chosen[side] + 1} {name_of(attempt)}",
            "title" if side == here else "muted",
        )

    def on_descendant_focus(self) -> None:
        if self._words:
            self._tell(self._words)

    @on(TextPane.Moved, "#left")
    def _left_moved(self, message: TextPane.Moved) -> None:
        """The right follows, where a person is not reading there."""
        right = self._panes()[1]
        if self._compared is not None and not right.has_focus and message.block < len(self._compared.across):
            right.cursor = self._compared.across[message.block]

    def action_other(self, side: int) -> None:
        count = len(self._story.attempts)
        self._chosen[side] = (self._chosen[side] + 1) % count
        if count > 2 and self._chosen[0] == self._chosen[1]:
            self._chosen[side] = (self._chosen[side] + 1) % count
        begin(self, self._load, group="load")

    def action_swap(self) -> None:
        self._chosen.reverse()
        begin(self, self._load, group="load")

    def action_difference(self, step: int) -> None:
        """Both sides to the next one; from where the focused side stands."""
        if self._compared is None or not self._compared.places:
            self.panel.tell("They do not differ." if self._compared else "They are being compared.")
            return
        left, right = self._panes()
        side = 1 if right.has_focus else 0
        lines = sorted(place[side] for place in self._compared.places)
        here = (left, right)[side].cursor
        at = bisect_right(lines, here) if step > 0 else bisect_left(lines, here) - 1
        if not 0 <= at < len(lines):
            self.panel.tell("No difference after this one." if step > 0 else "No difference before this one.")
            return
        place = min(self._compared.places, key=lambda each: abs(each[side] - lines[at]))
        left.cursor, right.cursor = place

    def selection(self) -> Selection:
        page = self._story.page
        return Selection(pages=(page.id,), page_states=frozenset({page.state}))

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        """Accepting takes the side one stands on."""
        if action_id == "page.accept":
            side = 1 if self._panes()[1].has_focus else 0
            options = Options(attempt=self._chosen[side] + 1)
        await super().perform(action_id, selection, options)


def _said(compared: Compared) -> str:
    if compared.same is None:
        return "too long to compare"
    count = len(compared.places)
    places = "1 difference" if count == 1 else f"{count:,} differences"
    share = min(compared.same, 0.99) if count else 1.0
    return f"{places}, {wording.percent(share)} % of the words are the same"


def name_of(attempt: AttemptRow) -> str:
    """Its engine and what was varied."""
    return f"{attempt.engine} {attempt.variation}".strip()
