"""A job's log as it grows: what the scheduler caught of the job, and what its model server said.

The driver brings it home while somebody looks; this screen says so every few seconds, and shows the file
that lies in the workspace.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding

from bocr_tui.actions.action import Selection
from bocr_tui.actions.job_logs import JobLog, job_log
from bocr_tui.actions.registry import action_named
from bocr_tui.catalog.list_rows import JobRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.words import JOB_ENDED, JobState
from bocr_tui.config.errors import BocrError
from bocr_tui.control.logs import LOG_NAMES
from bocr_tui.ui import wording
from bocr_tui.ui.reading import Lane
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.telling import why_job
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.log_view import LogView
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.work import begin

ASK_AGAIN_S = 10.0
"""A request for a log is good for thirty seconds; asked three times as often none is missed."""

QUIET_AFTER_S = 30.0
"""A living job's log that nobody has fetched for so long is called stale."""

_NOT_STARTED = frozenset(map(str, (JobState.PLANNED, JobState.STAGED, JobState.SUBMITTING)))
_WAITING = frozenset(map(str, (JobState.SUBMITTED, JobState.QUEUED, JobState.HELD, JobState.AMBIGUOUS)))

_ONLY_SOME = {
    "server.log": "An engine that needs no model server writes none.",
    "pbs.log": "Only PBS writes one.",
}
"""Logs that not every job has, and why."""


class LogScreen(PanelScreen[None]):
    """The logs of one job; tab goes to the other one."""

    PLACE = "jobs"

    SCOPED_CSS = False
    CSS = """
    LogScreen #why { height: 1; background: $surface; display: none; }
    LogScreen #where { height: 1; background: $surface; }
    """

    BINDINGS: ClassVar = [
        Binding("tab", "other_log", "Other log", tooltip="The job's own log, or its model server's."),
        Binding("slash", "find", "Find", key_display="/", tooltip="Find text in the log."),
        Binding("escape", "back", "Back", tooltip="End the search, or go back.", show=False),
    ]

    def __init__(self, job: JobRow) -> None:
        super().__init__()
        self._job = job
        self._log = LOG_NAMES[0]
        self._found: JobLog | None = None

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        yield PartsLine(id="panes")
        yield LogView(id="log")
        yield PartsLine(id="why")
        yield PartsLine(id="where")
        yield FindLine("Find in the log:")
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self._show_log()
        self.view.focus()
        self.set_interval(ASK_AGAIN_S, self._ask)

    @property
    def view(self) -> LogView:
        return self.query_one("#log", LogView)

    @property
    def _lives(self) -> bool:
        return self._job.state not in map(str, JOB_ENDED)

    def _ask(self) -> None:
        """Have the log fetched for as long as it is looked at."""
        in_place = self._found is None or self._found.in_place
        if self.is_current and self._lives and not in_place and not self.panel.read_only:
            begin(self, self._ask_driver, group="ask")

    async def _ask_driver(self) -> None:
        action, selection = action_named("job.log"), Selection(jobs=(self._job.id,))
        said = await self.panel.doer.run(action, selection, driven=True)
        if said.severity == "error":
            self.panel.tell(said.text, said.severity)

    def _show_log(self) -> None:
        begin(self, self._find_log, group="found")

    async def _find_log(self) -> None:
        job, workspace = self._job, self.panel.workspace
        found = await asyncio.to_thread(job_log, workspace, job.site, job.token, self._log)
        if not self.query(LogView):
            return
        self._found = found
        self._tell_notices()
        self.view.show(found.file)
        self._tell_log()
        self._ask()

    def _tell_notices(self) -> None:
        """What stands in place of a log that is not there, or empty."""
        view = self.view
        view.missing = self._why_missing()
        view.empty = Notice(f"{self._log} is empty{' so far' if self._lives else ''}.")

    def _why_missing(self) -> Notice:
        """Why there is no log in the workspace."""
        job = self._job
        if job.state in _NOT_STARTED:
            return Notice("This job was not submitted yet, so it has printed nothing.")
        if self._log in _ONLY_SOME and job.state == JobState.RUNNING:
            return Notice(f"No {self._log} yet.", _ONLY_SOME[self._log])
        if job.state in _WAITING:
            return Notice("The job has not started yet.", job.reason or "Its log begins when it runs.")
        if self._found is not None and self._found.in_place:
            return Notice(f"The job wrote no {self._log}.", _ONLY_SOME.get(self._log, ""))
        if not self._lives:
            return Notice(f"No {self._log} was fetched.", _ONLY_SOME.get(self._log, ""))
        if not self.panel.is_driven:
            return Notice("Nothing drives the jobs now, so no log is fetched.", "`bocr watch` drives them.")
        return Notice("The log is on its way.", "It comes with the driver's next look at the site.")

    def changed(self) -> None:
        begin(self, self._read_job, group="job")

    async def _read_job(self) -> None:
        def ask(reader: Reader) -> list[JobRow]:
            return reader.jobs.rows([self._job.id])

        try:
            rows = await self.panel.reading.ask(Lane.ROWS, ask)
        except BocrError as error:
            self.panel.tell(f"{error.cause} {error.next_step}", "error")
            return
        if rows:
            self._job = rows[0]
            self._tell_notices()
            self._tell_log()

    def tell_standing(self) -> None:
        super().tell_standing()
        if self.query(LogView):
            self._tell_log()

    @on(LogView.Changed)
    def _view_changed(self) -> None:
        self._tell_log()

    def _tell_log(self) -> None:
        """The two lines above the log: whose it is, and how new."""
        state, tone = wording.job_state(self._job.state, self._job.cause)
        whose = ((f"log of {self._job.token}  ", "accent"), (f"{state} ", tone))
        self.tell_place_line(whose)
        names: list[Part] = [(f" {name} ", "title" if name == self._log else "muted") for name in LOG_NAMES]
        self.tell_line("#panes", tuple(names), tuple(self._how_it_is()))
        self._tell_where()

    def _tell_where(self) -> None:
        """How the job ended or why it waits, and the file: what one needs to look further."""
        words, tone = why_job(self._job)
        for line in self.query("#why").results(PartsLine):
            line.display = bool(words)
        self.tell_line("#why", ((f" {words}", tone),))
        if self._found is not None:
            fetched, written = self._found.shown, self._found.written
            with contextlib.suppress(ValueError):
                fetched = str(self._found.file.path.relative_to(self.panel.workspace.root))
            there = "" if self._found.in_place or not written else f"  of {written}"
            self.tell_line("#where", ((f" {fetched}", "muted"), (there, "muted")))

    def _how_it_is(self) -> list[Part]:
        view = self.view
        if not view.seen.lines:
            return []
        seen, wide = view.seen, self.size.width >= 100
        parts: list[Part] = []
        if view.found_words:
            parts.append((f"{view.found_words}  ", "accent"))
        elif view.trouble:
            parts.append((f"{view.trouble}  ", "failed"))
        if wide or not view.found_words:
            size = f"{wording.things(seen.lines, 'line')}, {wording.size(seen.size_bytes)}  "
            parts.append((size, "muted"))
        if self._lives and self._found is not None and not self._found.in_place:
            parts.append(self._how_new())
        parts.append(("following " if view.following and self._lives else "G to the end ", "muted"))
        return parts if not view.following or self._lives else parts[:-1]

    def _how_new(self) -> Part:
        """When the log was last compared with the site's."""
        site = self.panel.site_named(self._job.site)
        heard = max(self.view.seen.changed_at or 0.0, (site.polled_at if site else None) or 0.0)
        age = max(0.0, time.time() - heard)
        if age < QUIET_AFTER_S:
            return (f"{age:.0f} s ago  ", "muted")
        return (f"stale {wording.duration(age)}  ", "warning")

    def action_other_log(self) -> None:
        self._log = LOG_NAMES[(LOG_NAMES.index(self._log) + 1) % len(LOG_NAMES)]
        self._show_log()

    def action_find(self) -> None:
        self.query_one(FindLine).ask(self.view.finding)

    @on(FindLine.Asked)
    def _asked(self, message: FindLine.Asked) -> None:
        self.view.focus()
        if message.text is not None:
            self.view.search(message.text)

    def action_reread(self) -> None:
        super().action_reread()
        self.view.look()

    def action_back(self) -> None:
        if self.view.finding:
            self.view.search("")
        else:
            super().action_back()
