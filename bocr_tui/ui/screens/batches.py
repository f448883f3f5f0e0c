"""Batches: how far each is, what failed in it, the jobs that work on it; and what happened to it."""

from __future__ import annotations

from typing import ClassVar, cast

from textual import work
from textual.binding import Binding

from bocr_tui.actions.action import Selection
from bocr_tui.catalog.filter_fields import BATCH_FIELDS
from bocr_tui.catalog.filter_language import Term
from bocr_tui.catalog.list_query import BatchFilter, BatchOrder, JobFilter, PageFilter
from bocr_tui.catalog.list_rows import BatchRow, EventRow, JobRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.words import BatchState
from bocr_tui.ui import telling
from bocr_tui.ui.acting import act, action_binding
from bocr_tui.ui.list_view import Order
from bocr_tui.ui.map_key import MAP
from bocr_tui.ui.nothing_here import no_batches
from bocr_tui.ui.reading import CatalogList, Lane
from bocr_tui.ui.screens.filtering import COUNTED_TO
from bocr_tui.ui.screens.list_screen import ListScreen
from bocr_tui.ui.sheets import BatchSheet
from bocr_tui.ui.widgets.facts import Facts, Heading
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.virtual_table import ListSource

EVENTS_SHOWN = 60
"""Of the timeline: more than a tall terminal holds."""


class BatchesScreen(ListScreen[BatchRow]):
    """The first screen: the campaign by batches."""

    PLACE = "batches"
    THING = "batch"
    THINGS = "batches"
    ONLY = "only those with failed pages"
    GRAMMAR = BATCH_FIELDS
    ORDERS = (
        Order("oldest", "when it was made"),
        Order("name", "name"),
        Order("state", "state"),
        Order("pages", "pages", backwards=True),
        Order("documents", "documents", backwards=True),
        Order("estimate", "estimate", backwards=True),
    )

    BINDINGS: ClassVar = [
        action_binding("batch.submit"),
        action_binding("batch.unplan", show=False),
        MAP,
        Binding("A", "autopilot", "Autopilot", tooltip="Submit batches as there is room; again: no more."),
    ]

    def sheet(self) -> BatchSheet:
        return BatchSheet()

    def source(self) -> ListSource[BatchRow]:
        wanted, turned = self.wanted(), self.view.order.backwards
        order = cast("BatchOrder", self.view.order.by)
        return CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.batches.ids(wanted, order, limit=limit, backwards=turned),
            lambda reader, ids: reader.batches.rows(ids),
        )

    def nothing_yet(self) -> Notice:
        return no_batches(self.panel.sight.counts)

    def count_rows(self, reader: Reader, terms: tuple[Term, ...]) -> int:
        return reader.batches.count(self.wanted(terms), "oldest", COUNTED_TO + 1)

    def wanted(self, terms: tuple[Term, ...] | None = None) -> BatchFilter:
        """Which batches the list holds, with other `terms` if given."""
        states = (str(BatchState.ATTENTION),) if self.view.only else ()
        return BatchFilter(states=states, terms=self.view.terms if terms is None else terms)

    async def preview(self, row: BatchRow) -> None:
        def ask(reader: Reader) -> tuple[dict[str, int], list[JobRow], list[EventRow]]:
            jobs = reader.jobs.ids(JobFilter(batch_id=row.id), "oldest", limit=12)
            events = reader.events_of_batch(row.id, EVENTS_SHOWN)
            return reader.failures_of_batch(row.id), reader.jobs.rows(jobs), events

        failures, jobs, events = await self.panel.reading.ask(Lane.ROWS, ask)
        self.query_one("#preview", Facts).show(telling.about_batch(row, failures, jobs))
        self.query_one("#third", Facts).show([Heading("What happened"), *telling.about_events(events)])

    def action_map(self) -> None:
        from bocr_tui.catalog.page_map import MapScope
        from bocr_tui.ui.screens.page_map import PageMapScreen

        row = self.table.current
        if row is not None:
            scope = MapScope(batch_id=row.id)
            self.app.push_screen(PageMapScreen(scope, f"batch {row.name}", place=self.PLACE))

    def open_row(self, row: BatchRow) -> None:
        from bocr_tui.ui.screens.pages import PagesScreen

        self.app.push_screen(PagesScreen(PageFilter(batch_id=row.id), f"batch {row.name}", place=self.PLACE))

    @work(group="act")
    async def action_autopilot(self) -> None:
        on = self.panel.sight.autopilot.on
        await act(self.panel, f"autopilot.{'stop' if on else 'start'}", Selection(autopilot_on=on))

    def selection(self) -> Selection:
        ids, states = self.chosen()
        return Selection(batches=ids, batch_states=states)
