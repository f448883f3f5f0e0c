"""Every page there is, or those of one batch, job or document; only what failed; summed up to pick from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, cast

from textual import work
from textual.binding import Binding
from textual.widget import Widget

from bocr_tui.actions.action import Options, Selection
from bocr_tui.catalog.filter_fields import PAGE_FIELDS
from bocr_tui.catalog.filter_language import Term
from bocr_tui.catalog.list_groups import Group, GroupBy, group_pages
from bocr_tui.catalog.list_query import PageFilter, PageOrder
from bocr_tui.catalog.list_rows import PageRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.page_map import MapScope
from bocr_tui.catalog.words import PageState
from bocr_tui.ui.acting import action_binding
from bocr_tui.ui.list_view import Order
from bocr_tui.ui.map_key import MAP
from bocr_tui.ui.nothing_here import no_pages
from bocr_tui.ui.page_read import read_attempt
from bocr_tui.ui.page_story import tell_page
from bocr_tui.ui.pictures import PictureFailed
from bocr_tui.ui.reading import CatalogList, Lane
from bocr_tui.ui.screens.filtering import COUNTED_TO
from bocr_tui.ui.screens.grouping import GroupScreen
from bocr_tui.ui.screens.list_screen import ListScreen
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.screens.page_map import PageMapScreen
from bocr_tui.ui.screens.picking_engine import resubmit_with
from bocr_tui.ui.sheets import PageSheet
from bocr_tui.ui.telling_page import about_page
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.picture_view import PictureView
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.virtual_table import ListSource

FAILED = (str(PageState.FAILED), str(PageState.GAVE_UP))

FIELDS: dict[GroupBy, str] = {"class": "class", "engine": "engine", "document": "doc", "state": "state"}
"""By what pages are summed up, and the filter's field that picks one group."""


class PagesScreen(ListScreen[PageRow]):
    """`within` limits the list for good (a batch's pages, say) and `came_from` says so in words; `why_none`
    says why it holds nothing, where that is known."""

    PLACE = "pages"
    THING = "page"
    THINGS = "pages"
    GRAMMAR = PAGE_FIELDS
    ORDERS = (
        Order("place", "order of import"),
        Order("document", "document"),
        Order("confidence", "confidence"),
        Order("failure", "class"),
        Order("state", "state"),
    )

    BINDINGS: ClassVar = [
        Binding("c", "group", "Group", tooltip="Sum up by class, engine, document or state, and pick one."),
        action_binding("page.resubmit"),
        Binding("w", "resubmit_with", "Resubmit with", show=False, tooltip="Read them again by one engine."),
        action_binding("page.reset", show=False),
        action_binding("page.ignore", show=False),
        MAP,
    ]

    def __init__(
        self, within: PageFilter | None = None, came_from: str = "", place: str = "pages", why_none: str = ""
    ) -> None:
        super().__init__()
        self._within = within or PageFilter()
        self._came_from = came_from
        self._place = place
        self._why_none = why_none

    def sheet(self) -> PageSheet:
        return PageSheet()

    def source(self) -> ListSource[PageRow]:
        wanted, turned = self.wanted(), self.view.order.backwards
        order = cast("PageOrder", self.view.order.by)
        return CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.pages.ids(wanted, order, limit=limit, backwards=turned),
            lambda reader, ids: reader.pages.rows(ids),
        )

    def third_pane(self) -> Widget:
        return PictureView(id="third")

    def here(self) -> str:
        return self._place

    def trail(self) -> str:
        return self._came_from

    def nothing_yet(self) -> Notice:
        if self._came_from:
            return Notice(f"No pages here: {self._came_from}.", f"{self._why_none} esc goes back.".strip())
        return no_pages(self.panel.sight.counts)

    def count_rows(self, reader: Reader, terms: tuple[Term, ...]) -> int:
        return reader.pages.count(self.wanted(terms), "place", COUNTED_TO + 1)

    def wanted(self, terms: tuple[Term, ...] | None = None) -> PageFilter:
        """Which pages the list holds, with other `terms` if given."""
        within = replace(self._within, terms=self.view.terms if terms is None else terms)
        return replace(within, states=FAILED) if self.view.only else within

    @work(exclusive=True, group="pick")
    async def action_group(self) -> None:
        """Sum the list up, and limit it to what is picked there."""

        async def ask(by: GroupBy) -> Sequence[Group]:
            wanted = self.wanted(tuple(term for term in self.view.terms if term.field != FIELDS[by]))
            return await self.panel.reading.ask(Lane.IDS, lambda reader: group_pages(reader, wanted, by))

        picked = await self.panel.push_screen_wait(GroupScreen(ask, list(FIELDS), "Pages"))
        if picked is not None:
            self.view.put(FIELDS[picked[0]], picked[1])
            self.show_list()

    @work(exclusive=True, group="pick")
    async def action_resubmit_with(self) -> None:
        """Ask which engine, and read what is marked again by that one alone."""
        await resubmit_with(self)

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        if action_id == "page.edit":
            self.panel.tell(
                "A page's text is edited where it is seen: enter opens the page, E edits it.", "warning"
            )
            return
        await super().perform(action_id, selection, options)

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
        self.app.push_screen(PageScreen(row.id, self.wanted(), place=self._place))

    def selection(self) -> Selection:
        ids, states = self.chosen()
        return Selection(pages=ids, page_states=states)
