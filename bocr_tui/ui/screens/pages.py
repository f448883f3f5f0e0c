"""Every page there is, or those of one batch, job or document; only what failed; one class of failure."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.binding import Binding
from textual.widget import Widget

from bocr_tui.actions.action import Selection
from bocr_tui.catalog.list_query import PageFilter
from bocr_tui.catalog.list_rows import PageRow
from bocr_tui.catalog.page_map import MapScope
from bocr_tui.catalog.words import PageState
from bocr_tui.ui.acting import action_binding
from bocr_tui.ui.page_read import read_attempt
from bocr_tui.ui.page_story import tell_page
from bocr_tui.ui.pictures import PictureFailed
from bocr_tui.ui.reading import CatalogList
from bocr_tui.ui.screens.asking import Pick
from bocr_tui.ui.screens.list_screen import ListScreen
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.screens.page_map import MAP, PageMapScreen
from bocr_tui.ui.sheets import PageSheet
from bocr_tui.ui.telling_page import about_page
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.picture_view import PictureView
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.virtual_table import ListSource
from bocr_tui.ui.wording import count, plain

FAILED = (str(PageState.FAILED), str(PageState.GAVE_UP))


class PagesScreen(ListScreen[PageRow]):
    """`within` limits the list for good (a batch's pages, say) and `came_from` says so in words."""

    PLACE = "pages"
    THING = "page"
    THINGS = "pages"

    BINDINGS: ClassVar = [
        Binding("c", "pick_class", "Class", tooltip="Show only pages that failed in one way."),
        action_binding("page.resubmit"),
        action_binding("page.reset", show=False),
        action_binding("page.ignore", show=False),
        MAP,
    ]

    def __init__(self, within: PageFilter | None = None, came_from: str = "", place: str = "pages") -> None:
        super().__init__()
        self._within = within or PageFilter()
        self._wanted = self._within
        self._came_from = came_from
        self._place = place

    def sheet(self) -> PageSheet:
        return PageSheet()

    def source(self) -> ListSource[PageRow]:
        wanted = self._wanted
        return CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.pages.ids(wanted, "place", limit=limit),
            lambda reader, ids: reader.pages.rows(ids),
        )

    def third_pane(self) -> Widget:
        return PictureView(id="third")

    def here(self) -> str:
        return self._place

    def trail(self) -> str:
        return self._came_from

    def filters(self) -> list[str]:
        words = []
        if self._wanted.states == FAILED:
            words.append("only failed")
        if self._wanted.failures:
            words.append(f"class {', '.join(map(plain, self._wanted.failures))}")
        if self._wanted.text:
            words.append(f"name “{self._wanted.text}”")
        return words

    def nothing_yet(self) -> Notice:
        if self._came_from:
            return Notice(f"No pages here: {self._came_from}.", "esc goes back.")
        return Notice("No pages yet.", "bocr import FOLDER brings documents in.")

    def clear_filters(self) -> bool:
        changed = self._wanted != self._within
        self._wanted = self._within
        return changed

    def toggle_only(self) -> None:
        states = () if self._wanted.states == FAILED else FAILED
        failures = self._wanted.failures if states else ()
        self._wanted = replace(self._wanted, states=states, failures=failures)

    def find(self, text: str) -> None:
        self._wanted = replace(self._wanted, text=text)

    def found_text(self) -> str:
        return self._wanted.text

    @work(exclusive=True, group="pick")
    async def action_pick_class(self) -> None:
        """Ask which class; one that is chosen also limits the list to failed pages."""
        failures = self.panel.sight.counts.failures
        if not failures:
            self.panel.tell("No page has failed.", "information")
            return
        choices = [("", "every class")]
        choices += [(name, f"{plain(name)}  {count(number)}") for name, number in failures.items()]
        chosen = await self.panel.push_screen_wait(Pick("Failed in which way?", choices))
        if chosen is not None:
            states = FAILED if chosen else self._wanted.states
            self._wanted = replace(self._wanted, failures=(chosen,) if chosen else (), states=states)
            self.show_list()

    async def preview(self, row: PageRow) -> None:
        story = await tell_page(self.panel.reading, row.id)
        if story is None:
            return
        self.query_one("#preview", Facts).show(about_page(story))
        picture = self.query_one("#third", PictureView)
        if not self.shown(picture):
            return
        page = story.picture(fetch=False)
        if page is None:
            picture.say("The file is not where it was found.")
            return
        try:
            image = await self.panel.pictures.picture(page)
        except PictureFailed as failed:
            picture.say(str(failed))
            return
        best = story.best_attempt
        lines = () if best is None else (await read_attempt(self.panel.results, story.attempts[best])).lines
        picture.mark(lines, None)
        picture.show(image)

    def action_map(self) -> None:
        """Of the batch or document that this list is of, else of every page; on the page one stands on."""
        scope = MapScope(self._within.batch_id, self._within.document_id)
        whole = scope == MapScope()
        came_from = "every page" if whole else self._came_from
        self.app.push_screen(PageMapScreen(scope, came_from, at=self.table.current_id, place=self._place))

    def open_row(self, row: PageRow) -> None:
        self.app.push_screen(PageScreen(row.id, self._wanted, place=self._place))

    def selection(self) -> Selection:
        row = self.table.current
        return Selection() if row is None else Selection(pages=(row.id,), page_states=frozenset({row.state}))
