"""Documents: which could be read, how their pages stand, and why some have none."""

from __future__ import annotations

from typing import ClassVar, cast

from textual.widget import Widget

from bocr_tui.actions.action import Selection
from bocr_tui.catalog.filter_fields import DOCUMENT_FIELDS
from bocr_tui.catalog.filter_language import Term
from bocr_tui.catalog.list_query import DocumentFilter, DocumentOrder, PageFilter
from bocr_tui.catalog.list_rows import DocumentRow, SourceRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.page_map import MapScope
from bocr_tui.catalog.words import READABLE, DocumentState
from bocr_tui.ui import telling
from bocr_tui.ui.list_view import Order
from bocr_tui.ui.map_key import MAP
from bocr_tui.ui.nothing_here import IMPORT
from bocr_tui.ui.page_story import picture_of
from bocr_tui.ui.pictures import PictureFailed
from bocr_tui.ui.reading import CatalogList, Lane
from bocr_tui.ui.screens.filtering import COUNTED_TO
from bocr_tui.ui.screens.list_screen import ListScreen
from bocr_tui.ui.screens.page_map import PageMapScreen
from bocr_tui.ui.screens.pages import PagesScreen
from bocr_tui.ui.sheets import DocumentSheet
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.picture_view import PictureView
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.virtual_table import ListSource

UNREADABLE = tuple(
    str(state)
    for state in DocumentState
    if state not in (READABLE | {DocumentState.NEW}) or state is DocumentState.PARTIAL
)


class DocumentsScreen(ListScreen[DocumentRow]):
    """By name."""

    PLACE = "documents"
    THING = "document"
    THINGS = "documents"

    ONLY = "only those that cannot be read whole"
    GRAMMAR = DOCUMENT_FIELDS
    ORDERS = (
        Order("name", "name"),
        Order("added", "when it was added", backwards=True),
        Order("state", "state"),
        Order("pages", "pages", backwards=True),
        Order("language", "language"),
    )

    BINDINGS: ClassVar = [MAP]

    def sheet(self) -> DocumentSheet:
        return DocumentSheet()

    def source(self) -> ListSource[DocumentRow]:
        wanted, turned = self.wanted(), self.view.order.backwards
        order = cast("DocumentOrder", self.view.order.by)
        return CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.documents.ids(wanted, order, limit=limit, backwards=turned),
            lambda reader, ids: reader.documents.rows(ids),
        )

    def third_pane(self) -> Widget:
        return PictureView(id="third")

    def nothing_yet(self) -> Notice:
        return Notice("No documents yet.", IMPORT)

    def count_rows(self, reader: Reader, terms: tuple[Term, ...]) -> int:
        return reader.documents.count(self.wanted(terms), "added", COUNTED_TO + 1)

    def wanted(self, terms: tuple[Term, ...] | None = None) -> DocumentFilter:
        """Which documents the list holds, with other `terms` if given."""
        states = UNREADABLE if self.view.only else ()
        return DocumentFilter(states=states, terms=self.view.terms if terms is None else terms)

    def selection(self) -> Selection:
        return Selection(documents=self.chosen()[0])

    def detail(self, row: DocumentRow) -> tuple[Part, ...]:
        """Why it cannot be read: the list has no room for that."""
        if not row.reason or self.shown(self.query_one("#preview")):
            return ()
        return ((f" {row.reason}", "warning"),)

    async def preview(self, row: DocumentRow) -> None:
        def ask(reader: Reader) -> tuple[SourceRow, ...]:
            return tuple(reader.sources(row.id))

        sources = await self.panel.reading.ask(Lane.ROWS, ask)
        self.query_one("#preview", Facts).show(telling.about_document(row, sources))
        picture = self.query_one("#third", PictureView)
        if not self.shown(picture):
            return
        page = picture_of(sources, row, 1, fetch=False)
        if not row.page_count or page is None:
            picture.say("There is no page to show." if page else "The file is not where it was found.")
            return
        try:
            picture.show(await self.panel.pictures.picture(page))
        except PictureFailed as failed:
            picture.say(str(failed))

    def action_map(self) -> None:
        row = self.table.current
        if row is not None:
            self.app.push_screen(PageMapScreen(MapScope(document_id=row.id), row.name, place=self.PLACE))

    def open_row(self, row: DocumentRow) -> None:
        self.app.push_screen(PagesScreen(PageFilter(document_id=row.id), row.name, self.PLACE, row.reason))
