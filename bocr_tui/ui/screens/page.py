"""One page: its image with boxes, what was read, why it failed, what was tried."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.reactive import reactive

from bocr_tui.catalog.list_query import PageFilter
from bocr_tui.catalog.words import PageState
from bocr_tui.config.errors import BocrError
from bocr_tui.ui import outside, wording
from bocr_tui.ui.acting import action_binding
from bocr_tui.ui.page_read import Read, read_attempt
from bocr_tui.ui.page_story import PageStory, tell_page
from bocr_tui.ui.pictures import READING_DPI, FarPage, PictureFailed
from bocr_tui.ui.screens.reviewing import ReviewingScreen
from bocr_tui.ui.telling_page import about_page
from bocr_tui.ui.turning import page_beyond
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.picture_view import PictureView
from bocr_tui.ui.widgets.text_pane import TextPane
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from PIL.Image import Image

PANES = ("facts", "text", "image")
TITLES = {"facts": "Facts", "text": "Text", "image": "Image"}
FAILED = (str(PageState.FAILED), str(PageState.GAVE_UP))

TWO_PANES, THREE_PANES = 120, 200
"""Columns from which on so many panes stand beside each other."""

BESIDE_REASON = 72
"""Columns from which on a failed page's image stands beside the reason, so that nobody has to look for it."""


class PageScreen(ReviewingScreen):
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
        action_binding("page.resubmit"),
        Binding("w", "resubmit_with", "Resubmit with", show=False, tooltip="Read it again by one engine."),
        action_binding("page.accept"),
        action_binding("page.edit", show=False),
        Binding("m", "raw", "Raw", tooltip="The text rendered, or just as the engine wrote it."),
        Binding("z,enter", "zoom", "Zoom", tooltip="The block one stands on, enlarged; again: the page."),
        Binding("a", "next_attempt", "Attempt", show=False, tooltip="Show what the next attempt read."),
        Binding("C", "compare", "Compare", show=False, tooltip="Two attempts side by side."),
        Binding("o", "open_outside", "Open image", show=False, tooltip="The image in another window."),
        action_binding("page.reset", show=False),
        action_binding("page.ignore", show=False),
        Binding("j,down", "line(1)", "Next line", show=False, tooltip="To the next line of the text."),
        Binding("k,up", "line(-1)", "Line before", show=False, tooltip="To the line before."),
    ]

    pane: reactive[str] = reactive("facts", init=False)
    raw: reactive[bool] = reactive(False, init=False)

    def __init__(self, page_id: int, wanted: PageFilter, place: str = "pages") -> None:
        super().__init__()
        self.story: PageStory | None = None
        self.attempt: int | None = None
        self.read = Read()
        self.place = place
        self._page_id = page_id
        self._wanted = wanted
        self._pane_chosen = False
        self._shown: PageStory | None = None
        self._image_of: int | None = None
        """What is on the screen to its end: a change of the catalog begins it anew."""
        self._seen: set[str] = set()
        self._standing: tuple[Part, ...] = ()

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        yield PartsLine(id="panes")
        with Horizontal(id="body"):
            yield PictureView(id="image", crop=True, pixels=True)
            yield TextPane(id="text")
            facts = Facts(id="facts")
            facts.can_focus = True
            yield facts
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self._lay_out()
        self.hear(self.panel.sight)

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
        before, self.story = self.story, story
        if self._shown != story:
            await self._show_story(before, story)
            self._shown = story
        if self._image_of != story.page.id:
            await self._show_image(story)

    async def _show_story(self, before: PageStory | None, story: PageStory) -> None:
        """All but the image; what was shown `before` may be the same page, or another one."""
        same = before is not None and before.page.id == story.page.id
        if before is None or not same or _chooses_anew(before, story):
            self.attempt = story.best_attempt
        if not same:
            self.query_one(PictureView).zoom(None)
            if not self._pane_chosen:
                self.pane = "facts" if story.page.state in FAILED else "text"
        self._lay_out()
        self._tell(story)
        await self._show_attempt(story)

    def _tell(self, story: PageStory) -> None:
        page = story.page
        state, tone = wording.page_state(page.state, page.held)
        why = f" {wording.plain(page.failure)}" if page.failure else ""
        where = f"page {page.number} of {story.document.page_count} "
        self.tell_place_line(((where, "plain"),), self.place)
        self._standing = ((f"{state}{why} ", tone),)
        self._tell_panes()
        self.query_one(Facts).show(about_page(story, self.attempt))

    async def _show_attempt(self, story: PageStory) -> None:
        """The text and the boxes of the chosen attempt."""
        if self.attempt is None:
            self.read = Read(trouble="Nothing was tried on this page yet.")
        else:
            read = await read_attempt(self.panel.results, story.attempts[self.attempt])
            if not self._is_on(story):
                return
            self.read = read
        self._show_text()
        self.query_one(PictureView).mark(self.read.lines, 0 if self.read.lines else None)
        self._tell_panes()

    def _show_text(self) -> None:
        self.query_one(TextPane).show(self.read.raw if self.raw else self.read.lines, self.read.trouble)

    async def _show_image(self, story: PageStory) -> None:
        view = self.query_one(PictureView)
        page = story.picture()
        if page is None:
            self._image_of = story.page.id
            view.say("The file is not where it was found.")
            return
        view.say("Fetching the page…" if isinstance(page, FarPage) else "Drawing the page…")
        self._image_of = None
        try:
            image = await self.panel.pictures.picture(page)
        except PictureFailed as failed:
            if self._is_on(story):
                self._image_of = story.page.id
                view.say(str(failed))
            return
        if self._is_on(story):
            self._image_of = story.page.id
            view.show(image)

    def _is_on(self, story: PageStory) -> bool:
        """Whether that page is still the one on the screen: another may have been turned to meanwhile."""
        return self.story is not None and self.story.page.id == story.page.id

    @on(TextPane.Moved)
    def _line_chosen(self, message: TextPane.Moved) -> None:
        if not self.raw:
            self.query_one(PictureView).mark(self.read.lines, message.block)

    def watch_pane(self) -> None:
        self._lay_out()

    def watch_raw(self) -> None:
        self._show_text()
        self._tell_panes()

    def on_resize(self) -> None:
        super().on_resize()
        self.call_after_refresh(self._lay_out)

    def _lay_out(self) -> None:
        """Which panes are seen: one, the image beside one, or all three."""
        width = self.app.size.width
        body = self.query_one("#body")
        seen = _panes_seen(self.pane, width, self.story is not None and self.story.page.state in FAILED)
        for pane in PANES:
            body.query_one(f"#{pane}").display = pane in seen
        body.set_class(width < TWO_PANES and len(seen) > 1, "-beside")
        self._seen = seen
        self._tell_panes()
        focus = "facts" if self.pane == "facts" and width < THREE_PANES else "text"
        if focus in seen:
            self.query_one(f"#{focus}").focus()
        else:
            self.set_focus(None)

    def _tell_panes(self) -> None:
        """The line above the panes: which are seen, what the text is, and how the page stands."""
        titles = tuple((f" {TITLES[each]} ", "title" if each in self._seen else "muted") for each in PANES)
        if len(self._seen) == len(PANES):
            titles = ((f" {self.story.document.name}", "strong"),) if self.story else ()
        shown: tuple[Part, ...] = ()
        if "text" in self._seen and self.story is not None and self.attempt is not None:
            what = self.read.raw_is if self.raw else ""
            said = f"attempt {self.attempt + 1} of {len(self.story.attempts)}"
            shown = ((f"  {said}{': ' + what if what else ''}", "muted"),)
        self.tell_line("#panes", (*titles, *shown), self._standing)

    def action_next_pane(self, step: int) -> None:
        panes = PANES if self.app.size.width < TWO_PANES else PANES[:2]
        at = panes.index(self.pane) if self.pane in panes else 0
        self._pane_chosen = True
        self.pane = panes[(at + step) % len(panes)]

    def action_line(self, step: int) -> None:
        self.query_one(TextPane).action_move(step)

    def action_raw(self) -> None:
        if not self.read.raw:
            self.panel.tell(self.read.trouble or "There is no text.", "warning")
            return
        self.raw = not self.raw
        if "text" not in self._seen:
            self.pane = "text"

    @work(exclusive=True, group="zoom")
    async def action_zoom(self) -> None:
        """The image of the block one stands on, at the resolution that an engine is given."""
        view, story = self.query_one(PictureView), self.story
        if view.zoomed:
            view.zoom(None)
            return
        if story is None or not view.can_zoom:
            self.panel.tell(view.why_no_zoom, "warning")
            return
        if "image" not in self._seen:
            self.pane = "image"
        page = story.picture(READING_DPI)
        if page is None or isinstance(page, FarPage):
            view.zoom(view.image)
            return
        try:
            image: Image | None = await self.panel.pictures.picture(page)
        except PictureFailed as failed:
            self.panel.tell(str(failed), "warning")
            image = view.image
        if self._is_on(story):
            view.zoom(image)

    @work(exclusive=True, group="attempt")
    async def action_next_attempt(self) -> None:
        story = self.story
        if story is None or not story.attempts:
            return
        self.attempt = ((self.attempt if self.attempt is not None else -1) + 1) % len(story.attempts)
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
        try:
            found = await page_beyond(self.panel.reading, self._wanted, wanted, self._page_id, step)
        except BocrError as error:
            self.panel.tell(f"{error.cause} {error.next_step}", "error")
            return
        if found is None:
            self.panel.tell(first if step < 0 else last)
            return
        self._page_id = found
        await self._load()

    @work(exclusive=True, group="outside")
    async def action_open_outside(self) -> None:
        story = self.story
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


def _chooses_anew(before: PageStory, after: PageStory) -> bool:
    """Whether another attempt is the one to show: a new one came, or another was accepted."""
    accepted = before.page.accepted_attempt_id != after.page.accepted_attempt_id
    return accepted or len(before.attempts) != len(after.attempts)


def _panes_seen(pane: str, width: int, failed: bool) -> set[str]:
    if width >= THREE_PANES:
        return set(PANES)
    if width >= TWO_PANES:
        return {"image", "text" if pane == "text" else "facts"}
    return {"facts", "image"} if failed and pane == "facts" and width >= BESIDE_REASON else {pane}
