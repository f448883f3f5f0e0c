"""Jobs, living and past: what each works on, how far it is, why it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from bocr_tui.actions.action import Options, Selection
from bocr_tui.catalog.list_query import JobFilter, PageFilter
from bocr_tui.catalog.list_rows import EventRow, JobRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.ui import telling
from bocr_tui.ui.acting import act, action_binding, may
from bocr_tui.ui.reading import CatalogList, Lane
from bocr_tui.ui.screens.batches import EVENTS_SHOWN
from bocr_tui.ui.screens.list_screen import ListScreen
from bocr_tui.ui.screens.log import LogScreen
from bocr_tui.ui.screens.pages import PagesScreen
from bocr_tui.ui.screens.settle import SettleScreen
from bocr_tui.ui.sheets import JobSheet
from bocr_tui.ui.widgets.facts import Facts, Heading
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.virtual_table import ListSource


class JobsScreen(ListScreen[JobRow]):
    """The newest job first; finished and failed ones stay."""

    PLACE = "jobs"
    THING = "job"
    THINGS = "jobs"

    BINDINGS: ClassVar = [
        action_binding("job.log"),
        action_binding("job.cancel"),
        action_binding("job.requeue", show=False),
        action_binding("job.hold", show=False),
        action_binding("job.release", show=False),
        action_binding("job.settle", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._wanted = JobFilter()

    def sheet(self) -> JobSheet:
        return JobSheet()

    def source(self) -> ListSource[JobRow]:
        wanted = self._wanted
        return CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.jobs.ids(wanted, "newest", limit=limit),
            lambda reader, ids: reader.jobs.rows(ids),
        )

    def filters(self) -> list[str]:
        words = ["only those that went wrong"] if self._wanted.troubled else []
        return [*words, f"name “{self._wanted.text}”"] if self._wanted.text else words

    def nothing_yet(self) -> Notice:
        return Notice("No jobs yet.", "s on the Batches screen submits a batch.")

    def clear_filters(self) -> bool:
        changed = self._wanted != JobFilter()
        self._wanted = JobFilter()
        return changed

    def toggle_only(self) -> None:
        self._wanted = replace(self._wanted, troubled=not self._wanted.troubled)

    def find(self, text: str) -> None:
        self._wanted = replace(self._wanted, text=text)

    def found_text(self) -> str:
        return self._wanted.text

    def detail(self, row: JobRow) -> tuple[Part, ...]:
        if self.shown(self.query_one("#preview")):
            return ()
        words, tone = telling.why_job(row)
        return ((f" {words}", tone),) if words else ()

    async def preview(self, row: JobRow) -> None:
        def ask(reader: Reader) -> list[EventRow]:
            return reader.events(EVENTS_SHOWN)

        events = await self.panel.reading.ask(Lane.ROWS, ask)
        self.query_one("#preview", Facts).show(telling.about_job(row))
        self.query_one("#third", Facts).show([Heading("What happened"), *telling.about_events(events)])

    def open_row(self, row: JobRow) -> None:
        self.app.push_screen(PagesScreen(PageFilter(job_id=row.id), f"job {row.token}", place=self.PLACE))

    def selection(self) -> Selection:
        row = self.table.current
        return Selection() if row is None else Selection(jobs=(row.id,), job_states=frozenset({row.state}))

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        """A log is shown, and what became of an unclear submission is asked first."""
        row = self.table.current
        asks = action_id in ("job.log", "job.settle") and may(self.panel, action_id, selection)
        if row is None or not asks:
            await super().perform(action_id, selection, options)
        elif action_id == "job.log":
            self.app.push_screen(LogScreen(row))
        else:
            await self._settle(row, selection)

    async def _settle(self, row: JobRow, selection: Selection) -> None:
        said = await self.panel.push_screen_wait(SettleScreen(row.token, row.site, row.reason))
        if said is not None:
            options = Options(choice=said.choice, scheduler_id=said.scheduler_id)
            await act(self.panel, "job.settle", selection, options)
