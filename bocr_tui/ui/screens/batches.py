"""Batches: how far each is, what failed in it, the jobs that work on it; and what happened lately."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import work
from textual.binding import Binding

from bocr_tui.actions.action import Selection
from bocr_tui.catalog.list_query import BatchFilter, JobFilter, PageFilter
from bocr_tui.catalog.list_rows import BatchRow, EventRow, JobRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.page_map import MapScope
from bocr_tui.catalog.words import BatchState
from bocr_tui.ui import telling
from bocr_tui.ui.acting import act, action_binding
from bocr_tui.ui.reading import CatalogList, Lane
from bocr_tui.ui.screens.list_screen import ListScreen
from bocr_tui.ui.screens.page_map import MAP, PageMapScreen
from bocr_tui.ui.screens.pages import PagesScreen
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

    BINDINGS: ClassVar = [
        action_binding("batch.submit"),
        MAP,
        Binding("A", "autopilot", "Autopilot", tooltip="Submit batches as there is room; again: no more."),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wanted = BatchFilter()

    def sheet(self) -> BatchSheet:
        return BatchSheet()

    def source(self) -> ListSource[BatchRow]:
        wanted = self._wanted
        return CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.batches.ids(wanted, "oldest", limit=limit),
            lambda reader, ids: reader.batches.rows(ids),
        )

    def filters(self) -> list[str]:
        words = ["only those with failed pages"] if self._wanted.states else []
        return [*words, f"name “{self._wanted.text}”"] if self._wanted.text else words

    def nothing_yet(self) -> Notice:
        if self.panel.sight.counts.pages.total:
            return Notice("No batches yet.", "bocr plan makes them from the pages there are.")
        return Notice("Nothing has been imported yet.", "bocr import FOLDER, then bocr plan.")

    def clear_filters(self) -> bool:
        changed = self._wanted != BatchFilter()
        self._wanted = BatchFilter()
        return changed

    def toggle_only(self) -> None:
        states = () if self._wanted.states else (str(BatchState.ATTENTION),)
        self._wanted = replace(self._wanted, states=states)

    def find(self, text: str) -> None:
        self._wanted = replace(self._wanted, text=text)

    def found_text(self) -> str:
        return self._wanted.text

    async def preview(self, row: BatchRow) -> None:
        def ask(reader: Reader) -> tuple[dict[str, int], list[JobRow], list[EventRow]]:
            jobs = reader.jobs.ids(JobFilter(batch_id=row.id), "oldest", limit=12)
            return reader.failures_of_batch(row.id), reader.jobs.rows(jobs), reader.events(EVENTS_SHOWN)

        failures, jobs, events = await self.panel.reading.ask(Lane.ROWS, ask)
        self.query_one("#preview", Facts).show(telling.about_batch(row, failures, jobs))
        self.query_one("#third", Facts).show([Heading("What happened"), *telling.about_events(events)])

    def action_map(self) -> None:
        row = self.table.current
        if row is not None:
            scope = MapScope(batch_id=row.id)
            self.app.push_screen(PageMapScreen(scope, f"batch {row.name}", place=self.PLACE))

    def open_row(self, row: BatchRow) -> None:
        self.app.push_screen(PagesScreen(PageFilter(batch_id=row.id), f"batch {row.name}", place=self.PLACE))

    @work(group="act")
    async def action_autopilot(self) -> None:
        on = self.panel.sight.autopilot.on
        await act(self.panel, f"autopilot.{'stop' if on else 'start'}", Selection(autopilot_on=on))

    def selection(self) -> Selection:
        row = self.table.current
        if row is None:
            return Selection()
        return Selection(batches=(row.id,), batch_states=frozenset({row.state}))
