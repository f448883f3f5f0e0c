"""Jobs, living and past: what each works on, how far it is, why it ended."""

from __future__ import annotations

from typing import ClassVar, cast

from bocr_tui.actions.action import Options, Selection
from bocr_tui.catalog.filter_fields import JOB_FIELDS
from bocr_tui.catalog.filter_language import Term
from bocr_tui.catalog.list_query import JobFilter, JobOrder, PageFilter
from bocr_tui.catalog.list_rows import EventRow, JobRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.ui import telling
from bocr_tui.ui.acting import act, action_binding, may
from bocr_tui.ui.list_view import Order
from bocr_tui.ui.nothing_here import no_jobs
from bocr_tui.ui.reading import CatalogList, Lane
from bocr_tui.ui.screens.batches import EVENTS_SHOWN
from bocr_tui.ui.screens.filtering import COUNTED_TO
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
    ONLY = "only those that went wrong"
    GRAMMAR = JOB_FIELDS
    ORDERS = (
        Order("oldest", "when it was made", backwards=True),
        Order("state", "state"),
        Order("engine", "engine"),
        Order("site", "site"),
        Order("pages", "pages", backwards=True),
        Order("failed", "failed pages", backwards=True),
    )

    BINDINGS: ClassVar = [
        action_binding("job.log"),
        action_binding("job.cancel"),
        action_binding("job.requeue", show=False),
        action_binding("job.hold", show=False),
        action_binding("job.release", show=False),
        action_binding("job.settle", show=False),
    ]

    def sheet(self) -> JobSheet:
        return JobSheet()

    def source(self) -> ListSource[JobRow]:
        wanted, turned = self.wanted(), self.view.order.backwards
        order = cast("JobOrder", self.view.order.by)
        return CatalogList(
            self.panel.reading,
            lambda reader, limit: reader.jobs.ids(wanted, order, limit=limit, backwards=turned),
            lambda reader, ids: reader.jobs.rows(ids),
        )

    def nothing_yet(self) -> Notice:
        return no_jobs(self.panel.sight.counts)

    def count_rows(self, reader: Reader, terms: tuple[Term, ...]) -> int:
        return reader.jobs.count(self.wanted(terms), "oldest", COUNTED_TO + 1)

    def wanted(self, terms: tuple[Term, ...] | None = None) -> JobFilter:
        """Which jobs the list holds, with other `terms` if given."""
        return JobFilter(troubled=self.view.only, terms=self.view.terms if terms is None else terms)

    def detail(self, row: JobRow) -> tuple[Part, ...]:
        if self.shown(self.query_one("#preview")):
            return ()
        words, tone = telling.why_job(row)
        return ((f" {words}", tone),) if words else ()

    async def preview(self, row: JobRow) -> None:
        def ask(reader: Reader) -> list[EventRow]:
            return reader.events_of_job(row.id, EVENTS_SHOWN)

        events = await self.panel.reading.ask(Lane.ROWS, ask)
        self.query_one("#preview", Facts).show(telling.about_job(row))
        self.query_one("#third", Facts).show([Heading("What happened"), *telling.about_events(events)])

    def open_row(self, row: JobRow) -> None:
        self.app.push_screen(PagesScreen(PageFilter(job_id=row.id), f"job {row.token}", place=self.PLACE))

    def selection(self) -> Selection:
        ids, states = self.chosen()
        return Selection(jobs=ids, job_states=states)

    async def perform(self, action_id: str, selection: Selection, options: Options | None = None) -> None:
        """A log is shown, and what became of an unclear submission is asked first."""
        row = self.table.current
        if action_id == "job.settle" and (options or Options()) != Options():
            row = None  # it was typed what became of it
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
