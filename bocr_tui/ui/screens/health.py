"""Health: how fast it goes, what the jobs use, why pages fail, what is left; and what happened."""

from __future__ import annotations

import time
from array import array
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widget import Widget

from bocr_tui.catalog.happenings import events_of
from bocr_tui.catalog.list_query import PageFilter
from bocr_tui.catalog.list_rows import JobRow
from bocr_tui.catalog.lists import NoCatalog, Reader
from bocr_tui.config.errors import BocrError
from bocr_tui.report.happenings import Happening, grouped
from bocr_tui.report.health import Health, health_of
from bocr_tui.ui import wording
from bocr_tui.ui.reading import Lane, Reading
from bocr_tui.ui.screens.asking import Pick
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.screens.log import LogScreen
from bocr_tui.ui.screens.pages import FAILED, PagesScreen
from bocr_tui.ui.sheets_health import MARK_ID, FailureRow, FailureSheet, HappeningSheet
from bocr_tui.ui.telling_health import WINDOWS, about_health, pages_said, tokens_said
from bocr_tui.ui.widgets.facts import Facts
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.plot import Plot
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PlaceLine, TopLine
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from bocr_tui.ui.work import begin

BUCKETS = 240
"""Of the window: at least one for each column of a wide plot."""

REST = 20.0
"""After all this took t seconds to read it is not read again for REST * t: a twentieth of a core at most."""

LEAST_REST_S = 2.0

AWAY_S = 300.0
"""Who was here five minutes ago has not been away."""


class Timeline:
    """What happened, as a list that goes by numbers: grouped, with a line where one was last here."""

    def __init__(
        self, reading: Reading, *, site: str | None, job_id: int | None, text: str, seen_at: float
    ) -> None:
        self._reading = reading
        self._site = site
        self._job_id = job_id
        self._text = text.casefold()
        self._seen_at = seen_at
        self._rows: dict[int, Happening] = {}

    async def ids(self, limit: int | None) -> array[int]:
        events = await self._reading.ask(
            Lane.ROWS, lambda reader: events_of(reader, site=self._site, job_id=self._job_id)
        )
        rows = [row for row in grouped(events) if self._text in row.text.casefold()]
        self._rows = {row.id: row for row in with_mark(rows, self._seen_at)}
        return array("q", self._rows)

    async def rows(self, ids: Sequence[int]) -> list[Happening]:
        return [self._rows[each] for each in ids if each in self._rows]


def with_mark(rows: Sequence[Happening], seen_at: float) -> list[Happening]:
    """A line between what happened since one was last here and what did before; none where nothing did."""
    new = [row for row in rows if row.at > seen_at]
    if not seen_at or not new:
        return list(rows)
    words = f"── {wording.things(len(new), 'line')} since you were last here, {wording.clock(seen_at)} ──"
    return [*new, Happening(MARK_ID, seen_at, seen_at, "mark", words), *rows[len(new) :]]


class FailureList:
    """The classes of failure that there are."""

    def __init__(self, failures: Mapping[str, int]) -> None:
        most = max(failures.values(), default=0)
        self._rows = {row.id: row for row in (FailureRow(name, n, most) for name, n in failures.items())}

    async def ids(self, limit: int | None) -> array[int]:
        return array("q", self._rows)

    async def rows(self, ids: Sequence[int]) -> list[FailureRow]:
        return [self._rows[each] for each in ids if each in self._rows]


class HealthScreen(PanelScreen[None]):
    """Plots and vitals, failures by class, and the timeline."""

    PLACE = "health"

    SCOPED_CSS = False
    CSS = """
    HealthScreen #body { layout: vertical; }
    HealthScreen #now { height: 13; }
    HealthScreen #plots { height: 5; }
    HealthScreen #under { layout: horizontal; height: 1fr; }
    HealthScreen #vitals { width: 1fr; }
    HealthScreen #classes { width: 1fr; border-left: vkey $panel; }
    HealthScreen #happened { height: 1fr; }
    HealthScreen #tokens { display: none; }
    HealthScreen.-tokens #tokens { display: block; }
    HealthScreen.-normal #body, HealthScreen.-wide #body { layout: horizontal; }
    HealthScreen.-normal #now { width: 52; height: 1fr; }
    HealthScreen.-normal #plots { height: 11; }
    HealthScreen.-normal #under { layout: vertical; }
    HealthScreen.-normal #vitals { width: 1fr; height: 2fr; }
    HealthScreen.-normal #classes { width: 1fr; height: 1fr; border: none; border-top: hkey $panel; }
    HealthScreen.-normal #happened, HealthScreen.-wide #happened {
        width: 1fr; height: 1fr; border: none; border-left: vkey $panel;
    }
    HealthScreen.-wide #now { width: 104; height: 1fr; }
    HealthScreen.-wide #plots { height: 24; }
    """

    BINDINGS: ClassVar = [
        Binding("w", "window", "Window", tooltip="How far the plots look back: 1, 6, 24 hours, 7 days."),
        Binding("o", "only_job", "Only this job", tooltip="Only what happened to the job under the cursor."),
        Binding("i", "only_site", "Site", tooltip="Only what happened on one site."),
        Binding("l", "log", "Log", tooltip="The log of the job under the cursor."),
        Binding("slash", "find", "Find", show=False, key_display="/", tooltip="Only lines with some text."),
        Binding("tab", "other_pane", "Other pane", show=False, tooltip="To the failures, and back."),
        Binding("escape", "back", "Back", tooltip="Show everything that happened.", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._window = 1
        self._site: str | None = None
        self._job: tuple[int, str] | None = None
        self._text = ""
        self._seen_at = self._left_at = 0.0
        self._looked_at = False
        self._not_before = 0.0
        self._reread_later: Timer | None = None
        self._failures_shown: Mapping[str, int] | None = None
        self._trouble_since: float | None = None

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        with Container(id="body"):
            with Vertical(id="now"):
                with Vertical(id="plots"):
                    yield Plot("ok", id="pages")
                    yield Plot("busy", id="tokens")
                with Container(id="under"):
                    yield Facts(id="vitals")
                    with Vertical(id="classes"):
                        yield VirtualTable(FailureSheet(), id="failures")
            with Vertical(id="happened"):
                yield VirtualTable(HappeningSheet(), id="table", quiet=(NoCatalog,))
        yield FindLine("Find in what happened:")
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#vitals", Facts).say("Loading…")
        self._show_failures({})
        self._show_timeline()
        self.timeline.focus()
        begin(self, self._read, group="health")

    def remember(self) -> dict[str, Any]:
        seen_at = time.time() if self._looked_at else self._left_at or self._seen_at
        return {"window": self._window, "seen_at": seen_at}

    def recall(self, state: dict[str, Any]) -> None:
        window, seen_at = state.get("window"), state.get("seen_at")
        if isinstance(window, int) and 0 <= window < len(WINDOWS):
            self._window = window
        if isinstance(seen_at, (int, float)):
            self._seen_at = self._left_at = float(seen_at)

    def on_screen_suspend(self) -> None:
        self._looked_at, self._left_at = False, time.time()

    def on_screen_resume(self) -> None:
        """Who comes back after a while is shown what happened meanwhile."""
        self._looked_at = True
        if self._left_at and time.time() - self._left_at > AWAY_S:
            self._seen_at = self._left_at
            if self.query("#table"):
                self._show_timeline()

    @property
    def timeline(self) -> VirtualTable[Happening]:
        return self.query_one("#table", VirtualTable)

    @property
    def failures(self) -> VirtualTable[FailureRow]:
        return self.query_one("#failures", VirtualTable)

    # Reading

    def changed(self) -> None:
        wait = self._not_before - time.monotonic()
        if wait <= 0:
            self._reread()
        elif self._reread_later is None:
            self._reread_later = self.set_timer(wait, self._reread)

    def action_reread(self) -> None:
        self._reread()

    def _reread(self) -> None:
        self._reread_later = None
        if self.query("#table"):
            self.timeline.reread()
            begin(self, self._read, group="health")

    async def _read(self) -> None:
        began = time.monotonic()
        window_s, words = WINDOWS[self._window]
        counts = self.panel.sight.counts if self.panel.sight.seen_at is not None else None
        configured = tuple(self.panel.site_facts)

        def ask(reader: Reader) -> Health:
            return health_of(reader, time.time(), window_s, BUCKETS, configured, counts)

        try:
            health = await self.panel.reading.ask(Lane.IDS, ask)
        except BocrError as error:
            self._trouble_since = self._trouble_since or time.monotonic()
            for pane in self.query("#vitals").results(Facts):
                tone = "muted" if isinstance(error, NoCatalog) else "failed"
                pane.say(f"{error.cause} {error.next_step}", tone)
            return
        finally:
            ended = time.monotonic()
            self._not_before = ended + max(LEAST_REST_S, (ended - began) * REST)
        self._trouble_since = None
        if self.query("#table"):
            self._show(health, words)

    def _show(self, health: Health, window: str) -> None:
        self.query_one("#pages", Plot).show(
            "Pages/min", pages_said(health, window), health.pace.pages_per_min
        )
        self.set_class(any(health.pace.tokens) and self.size.height >= 30, "-tokens")
        self.query_one("#tokens", Plot).show(
            "Tokens/s", tokens_said(health, window), health.pace.tokens_per_s
        )
        self.query_one("#vitals", Facts).show(about_health(health))
        if dict(health.failures) != self._failures_shown:
            self._show_failures(health.failures)
        self.tell_place()

    def _show_failures(self, failures: Mapping[str, int]) -> None:
        held = self.failures.current_id
        self._failures_shown = dict(failures)
        self.failures.show(FailureList(failures), Notice("No page has failed."))
        if held is not None:
            self.call_after_refresh(partial(self.failures.go_to, held))

    def _show_timeline(self) -> None:
        job_id = self._job[0] if self._job else None
        source = Timeline(
            self.panel.reading, site=self._site, job_id=job_id, text=self._text, seen_at=self._seen_at
        )
        notice = Notice("Nothing has happened yet.", "bocr import FOLDER begins.")
        if self._filters():
            notice = Notice(f"Nothing happened {', '.join(self._filters())}.", "esc shows everything.")
        self.timeline.show(source, notice)
        self.tell_place()

    def _filters(self) -> list[str]:
        words = [f"on {self._site}"] if self._site else []
        words += [f"to job {self._job[1]}"] if self._job else []
        return [*words, f"with “{self._text}”"] if self._text else words

    @on(VirtualTable.Loaded)
    def _loaded(self) -> None:
        self.tell_place()

    def tell_standing(self) -> None:
        super().tell_standing()
        if self.is_mounted:
            self.tell_place()

    def tell_place(self) -> None:
        """The second line: the filter, the window, how much happened; or for how long all this is old."""
        if not self.query("#table"):
            return
        parts: list[Part] = []
        if self._filters():
            parts.append((f"{', '.join(self._filters())}  ", "accent"))
        since = self._trouble_since or self.timeline.trouble_since
        if since is not None and self.timeline.loaded:
            parts.append((f"stale {time.monotonic() - since:.0f} s, ctrl+r tries again  ", "warning"))
        parts.append((f"{WINDOWS[self._window][1]} ", "muted"))
        self.tell_place_line(tuple(parts))

    # What a person does

    def action_window(self) -> None:
        self._window = (self._window + 1) % len(WINDOWS)
        self.tell_place()
        begin(self, self._read, group="health")

    def action_other_pane(self) -> None:
        other: Widget = self.timeline if self.failures.has_focus else self.failures
        other.focus()

    def action_only_job(self) -> None:
        row = self.timeline.current
        if self._job is not None:
            self._job = None
        elif row is not None and row.job_id is not None:
            self._job = (row.job_id, row.token or str(row.job_id))
        else:
            self.panel.tell("This line is of no job.", "warning")
            return
        self._show_timeline()

    @work(exclusive=True, group="pick")
    async def action_only_site(self) -> None:
        names = sorted({*self.panel.site_facts, *(row.name for row in self.panel.sight.sites)})
        choices = [("", "every site"), *((name, name) for name in names)]
        chosen = await self.panel.push_screen_wait(Pick("What happened on which site?", choices))
        if chosen is not None:
            self._site = chosen or None
            self._show_timeline()

    @work(exclusive=True, group="log")
    async def action_log(self) -> None:
        row = self.timeline.current
        if row is None or row.job_id is None:
            self.panel.tell("This line is of no job.", "warning")
            return
        job_id = row.job_id

        def ask(reader: Reader) -> list[JobRow]:
            return reader.jobs.rows([job_id])

        jobs = await self.panel.reading.ask(Lane.ROWS, ask)
        if jobs:
            self.app.push_screen(LogScreen(jobs[0]))

    @on(VirtualTable.Selected)
    def _selected(self, message: VirtualTable.Selected) -> None:
        row = message.row
        if isinstance(row, FailureRow):
            within = PageFilter(states=FAILED, failures=(row.name,))
            self._open(within, f"failed: {wording.plain(row.name)}")
        elif isinstance(row, Happening):
            self._open_happening(row)

    def _open_happening(self, row: Happening) -> None:
        """To the pages of what it happened to."""
        if row.job_id is not None:
            self._open(PageFilter(job_id=row.job_id), f"job {row.token}")
        elif row.batch_id is not None:
            self._open(PageFilter(batch_id=row.batch_id), f"batch {row.batch_id}")
        elif row.document_id is not None:
            self._open(PageFilter(document_id=row.document_id), "the document")
        elif row.kind == "site":
            self.panel.go("sites")
        else:
            self.panel.tell(row.text, "information")

    def _open(self, within: PageFilter, came_from: str) -> None:
        self.app.push_screen(PagesScreen(within, came_from, place=self.PLACE))

    def action_find(self) -> None:
        self.query_one(FindLine).ask(self._text)

    @on(FindLine.Asked)
    def _asked(self, message: FindLine.Asked) -> None:
        self.timeline.focus()
        if message.text is not None and message.text != self._text:
            self._text = message.text
            self._show_timeline()

    def action_back(self) -> None:
        if self._filters():
            self._site, self._job, self._text = None, None, ""
            self._show_timeline()
        else:
            super().action_back()
