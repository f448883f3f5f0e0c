"""One page: its image with boxes, what was read, why it failed, what was tried."""

from __future__ import annotations

import asyncio
from array import array
from dataclasses import replace
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.reactive import reactive
from textual.widgets import Footer

from bocr_tui.actions.action import Selection
from bocr_tui.catalog.list_query import PageFilter
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.words import PageState
from bocr_tui.config.errors import BocrError
from bocr_tui.ui import outside, wording
from bocr_tui.ui.acting import action_binding
from bocr_tui.ui.page_story import PageStory, Read, read_attempt, tell_page
from bocr_tui.ui.pictures import READING_DPI, FarPage, PictureFailed
from bocr_tui.ui.reading import Lane
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.telling_page import about_page
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.picture_view import PictureView
from bocr_tui.ui.widgets.text_pane import TextPane
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.work import begin

PANES = ("facts", "text", "image")
TITLES = {"facts": "Facts", "text": "Text", "image": "Image"}
FAILED = (str(PageState.FAILED), str(PageState.GAVE_UP))


class PageScreen(PanelScreen[None]):
    """Shows the page `page_id` of the list `wanted`; narrow terminals show one pane at a time."""

    BINDINGS: ClassVar = [
        Binding("tab", "next_pane(1)", "Pane", tooltip="Facts, text, image."),
        Binding("shift+tab", "next_pane(-1)", "Pane before", show=False, tooltip="The pane before."),
        Binding("n", "next_failed(1)", "Next failed", tooltip="To the next failed page of the list."),
        Binding("N", "next_failed(-1)", "Failed before", show=False, tooltip="To the failed page before."),
        Binding(
            "right_square_bracket",
            "next_page(1)",
            "Next page",
            key_display="]",
            show=False,
            tooltip="To the next page.",
        ),
        Binding(
            "left_square_bracket",
            "next_page(-1)",
            "Page before",
            key_display="[",
            show=False,
            tooltip="To the page before.",
        ),
        Binding("a", "next_attempt", "Attempt", tooltip="Show what the next attempt read."),
        action_binding("page.resubmit"),
        Binding("o", "open_outside", "Open image", tooltip="Open the page's image in another window."),
        action_binding("page.reset", show=False),
        action_binding("page.ignore", show=False),
        Binding("j,down", "line(1)", "Next line", show=False, tooltip="To the next line of the text."),
        Binding("k,up", "line(-1)", "Line before", show=False, tooltip="To the line before."),
    ]

    pane: reactive[str] = reactive("facts", init=False)

    def __init__(self, page_id: int, wanted: PageFilter, place: str = "pages") -> None:
        super().__init__()
        self._page_id = page_id
        self._wanted = wanted
        self._place = place
        self._story: PageStory | None = None
        self._attempt: int | None = None
        self._read = Read()
        self._pane_chosen = False
        self._seen: set[str] = set()
        self._standing: tuple[Part, ...] = ()

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        yield PartsLine(id="panes")
        with Horizontal(id="body"):
            yield PictureView(id="image", crop=True)
            yield TextPane(id="text")
            facts = Facts(id="facts")
            facts.can_focus = True
            yield facts
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._lay_out()
        self.hear(self.panel.sight)

    @property
    def story(self) -> PageStory | None:
        return self._story

    def changed(self) -> None:
        begin(self, self._load, group="story")

    async def _load(self) -> None:
        """Read the page again; what is in view changes only where the page did."""
        try:
            story = await tell_page(self.panel.reading, self._page_id)
        except BocrError as error:
            self.query_one(Facts).say(f"{error.cause} {error.next_step}", "failed")
            return
        if story is None:
            self.query_one(Facts).say("This page is not in the catalog.", "failed")
            return
        before, self._story = self._story, story
        if before is not None and before == story:
            return
        same = before is not None and before.page.id == story.page.id
        if not same or len(story.attempts) != len(before.attempts if before else ()):
            self._attempt = story.best_attempt
        if not same and not self._pane_chosen:
            self.pane = "facts" if story.page.state in FAILED else "text"
        self._tell(story)
        await self._show_attempt(story)
        if not same:
            await self._show_image(story)

    def _tell(self, story: PageStory) -> None:
        page = story.page
        state, tone = wording.page_state(page.state, page.held)
        why = f" {wording.plain(page.failure)}" if page.failure else ""
        where = f"page {page.number} of {story.document.page_count} "
        self.tell_place_line(((where, "plain"),), self._place)
        self._standing = ((f"{state}{why} ", tone),)
        self._tell_panes()
        chosen = self._attempt
        paragraphs = about_page(story, chosen)
        self.query_one(Facts).show(paragraphs)

    async def _show_attempt(self, story: PageStory) -> None:
        """The text and the boxes of the chosen attempt."""
        if self._attempt is None:
            self._read = Read(trouble="Nothing was tried on this page yet.")
        else:
            self._read = await read_attempt(self.panel.results, story.attempts[self._attempt])
        self.query_one(TextPane).show(self._read.lines, self._read.trouble)
        self.query_one(PictureView).mark(self._read.lines, 0 if self._read.lines else None)

    async def _show_image(self, story: PageStory) -> None:
        view = self.query_one(PictureView)
        page = story.picture()
        if page is None:
            view.say("The file is not where it was found.")
            return
        view.say("Fetching the page…" if isinstance(page, FarPage) else "Drawing the page…")
        try:
            view.show(await self.panel.pictures.picture(page))
        except PictureFailed as failed:
            view.say(str(failed))

    @on(TextPane.Moved)
    def _line_chosen(self, message: TextPane.Moved) -> None:
        self.query_one(PictureView).mark(self._read.lines, message.block)

    def watch_pane(self) -> None:
        self._lay_out()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        """Which panes are seen: one, the image beside one, or all three."""
        width = self.app.size.width
        body = self.query_one("#body")
        seen = {self.pane} if width < 120 else set(PANES) if width >= 200 else {"image", self._beside_image()}
        for pane in PANES:
            body.query_one(f"#{pane}").display = pane in seen
        self._seen = seen
        self._tell_panes()
        focus = "facts" if self.pane == "facts" and width < 200 else "text"
        if focus in seen:
            self.query_one(f"#{focus}").focus()
        else:
            self.set_focus(None)

    def _tell_panes(self) -> None:
        """The line above the panes: which are seen, and how the page stands."""
        titles = tuple((f" {TITLES[each]} ", "title" if each in self._seen else "muted") for each in PANES)
        if len(self._seen) == len(PANES):
            titles = ((f" {self._story.document.name}", "strong"),) if self._story else ()
        self.tell_line("#panes", titles, self._standing)

    def _beside_image(self) -> str:
        return "text" if self.pane == "text" else "facts"

    def action_next_pane(self, step: int) -> None:
        panes = PANES if self.app.size.width < 120 else PANES[:2]
        at = panes.index(self.pane) if self.pane in panes else 0
        self._pane_chosen = True
        self.pane = panes[(at + step) % len(panes)]

    def action_line(self, step: int) -> None:
        self.query_one(TextPane).action_move(step)

    @work(exclusive=True, group="attempt")
    async def action_next_attempt(self) -> None:
        story = self._story
        if story is None or not story.attempts:
            return
        self._attempt = ((self._attempt if self._attempt is not None else -1) + 1) % len(story.attempts)
        self._tell(story)
        await self._show_attempt(story)

    @work(exclusive=True, group="turn")
    async def action_next_page(self, step: int) -> None:
        await self._turn(step, self._wanted, "That is the first page of the list.", "That is the last one.")

    @work(exclusive=True, group="turn")
    async def action_next_failed(self, step: int) -> None:
        failed = replace(self._wanted, states=FAILED)
        await self._turn(step, failed, "No failed page before this one.", "No failed page after this one.")

    async def _turn(self, step: int, wanted: PageFilter, first: str, last: str) -> None:
        """To the nearest page of `wanted` before or after this one, in the list's order."""

        def ask(reader: Reader) -> tuple[array[int], array[int]]:
            return reader.pages.ids(self._wanted, "place"), reader.pages.ids(wanted, "place")

        try:
            every, among = await self.panel.reading.ask(Lane.IDS, ask)
        except BocrError as error:
            self.panel.tell(f"{error.cause} {error.next_step}", "error")
            return
        found = neighbour(every, among, self._page_id, step)
        if found is None:
            self.panel.tell(first if step < 0 else last)
            return
        self._page_id = found
        await self._load()

    @work(exclusive=True, group="outside")
    async def action_open_outside(self) -> None:
        story = self._story
        page = None if story is None else story.picture(READING_DPI)
        if story is None or page is None:
            self.panel.tell("The file is not where it was found.", "warning")
            return
        try:
            image = await self.panel.pictures.picture(page)
            path = await asyncio.to_thread(outside.write_png, image, story.document.name, story.page.number)
        except (PictureFailed, OSError) as failed:
            self.panel.tell(str(failed), "error")
            return
        opened = outside.open_outside(path)
        self.panel.tell(f"Opened {path}" if opened else f"There is no window to open it in: {path}")

    def selection(self) -> Selection:
        if self._story is None:
            return Selection()
        page = self._story.page
        return Selection(pages=(page.id,), page_states=frozenset({page.state}))


def neighbour(every: array[int], among: array[int], here: int, step: int) -> int | None:
    """The id of `among` that comes next after `here` (step 1) or before it (-1) in the order of `every`.

    A page that has left the list keeps its place by its id: pages are numbered as they were imported.
    """
    if here in every:
        at, wanted = every.index(here), set(among)
        beyond = every[at + 1 :] if step > 0 else reversed(every[:at])
        return next((each for each in beyond if each in wanted), None)
    if step > 0:
        return next((each for each in among if each > here), None)
    return next((each for each in reversed(among) if each < here), None)
