"""The panel: screens over the catalog's lists, a driver in a thread, words for everything that happens.

The first frame needs neither SQLModel nor a catalog: both are loaded afterwards, in threads.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import on
from textual.app import App, ScreenStackError
from textual.binding import Binding
from textual.screen import Screen

from bocr_tui.catalog.words import PageState
from bocr_tui.config.errors import BocrError, UsageError
from bocr_tui.ui.doing import Doer
from bocr_tui.ui.driving import (
    Background,
    BackgroundThread,
    DriverThread,
    Driving,
    DrivingState,
)
from bocr_tui.ui.messages import ActivityEnded, ActivitySaid, DriverSaid, DrivingChanged
from bocr_tui.ui.pictures import Pictures
from bocr_tui.ui.places import FIRST, places
from bocr_tui.ui.questions import Asked, PanelAsker, Withdrawn
from bocr_tui.ui.reading import Reading
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.help import Help, keys_of
from bocr_tui.ui.screens.question import QuestionDesk
from bocr_tui.ui.site_facts import SiteFacts, site_facts
from bocr_tui.ui.telling_sites import top_parts
from bocr_tui.ui.theme import DARK, OWN, tone_variables
from bocr_tui.ui.watching import CatalogWatch, Sight
from bocr_tui.ui.widgets.top_line import WIDE, Standing
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from pathlib import Path

    from bocr_tui.catalog.lists_sites import SiteRow
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.control.events import ControlEvent

LOG_NAME = "panel.log"
"""In the workspace: what libraries and child processes printed while the panel was open."""

COMMAND_LOG = "commands.jsonl"
"""In the workspace, as sites/site.py names it, which loads pydantic."""

TROUBLES_KEPT = 50

TOAST_S = 6.0
TROUBLE_TOAST_S = 12.0
"""A sentence with a cause and a next step takes longer to read."""

TONES = {
    Driving.NOT_YET: "muted",
    Driving.HERE: "ok",
    Driving.ELSEWHERE: "busy",
    Driving.NOBODY: "muted",
    Driving.TROUBLE: "failed",
}


class PanelBroke(BocrError):
    """A fault of ours ended the panel."""


class BocrApp(App[None]):
    """The panel over one workspace. `drive` False: something else moves the jobs, or nothing does."""

    CSS_PATH = "panel.tcss"
    TITLE = "bocr"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 - Textual types it so
        (0, "-narrow"),
        (120, "-normal"),
        (200, "-wide"),
    ]
    MODES: ClassVar = {place.id: place.open for place in places()}
    DEFAULT_MODE = FIRST

    BINDINGS: ClassVar = [
        *(
            Binding(place.key, f"go('{place.id}')", place.title, show=False, tooltip=place.tooltip)
            for place in places()
        ),
        Binding("question_mark", "help", "Help", key_display="?", tooltip="Every key of this screen."),
        Binding("q", "leave", "Quit", tooltip="Leave the panel; jobs that run go on."),
    ]

    def __init__(
        self, workspace: Workspace, *, drive: bool = True, background: Background | None = None
    ) -> None:
        super().__init__()
        self.workspace = workspace
        self.reading = Reading(workspace.catalog_path)
        self.pictures = Pictures(workspace)
        self.sight = Sight()
        self.driving = DrivingState(Driving.NOT_YET if drive else Driving.NOBODY)
        self.activity = ""
        self.site_facts: dict[str, SiteFacts] = {}
        self.troubles: list[str] = []
        self.asker = PanelAsker(self.post_message)
        self.doer = Doer(workspace, self.asker)
        self._questions = QuestionDesk(self)
        self._trouble_told: DrivingState | None = None
        self._watch = CatalogWatch(self.reading, self._saw)
        self._driving_thread: DriverThread | None = None
        self._background: BackgroundThread | None = None
        if drive:
            self._driving_thread = DriverThread(
                workspace,
                lambda state: self.post_message(DrivingChanged(state)),
                self._hear_driver,
                self.asker,
            )
        if background is not None:
            self.activity = "beginning…"
            self._background = BackgroundThread(
                background,
                self._hear_activity,
                lambda ended: self.post_message(ActivityEnded(ended)),
            )

    def _hear_activity(self, text: str) -> None:
        """Called from the background's thread."""
        self.post_message(ActivitySaid(text))

    def _hear_driver(self, event: ControlEvent) -> None:
        """Called from the driver's thread."""
        self.post_message(DriverSaid(event))

    @property
    def results(self) -> Path:
        return self.workspace.results

    @property
    def is_driven(self) -> bool:
        return self.driving.driving in (Driving.HERE, Driving.ELSEWHERE, Driving.NOT_YET)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return tone_variables(self.current_theme)

    def on_mount(self) -> None:
        for theme in OWN:
            self.register_theme(theme)
        self.theme = DARK.name
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first frame: look at the catalog, drive, do what was asked for."""
        begin(self, self._watch.run, group="watch")
        begin(self, self._read_site_facts, group="facts")
        begin(self, self._load_places, group="places")
        if self._driving_thread is not None:
            self._driving_thread.start()
        if self._background is not None:
            self._background.start()

    async def on_unmount(self) -> None:
        self.reading.close()
        self.doer.close()
        await self.pictures.close()

    async def _read_site_facts(self) -> None:
        self.site_facts = await asyncio.to_thread(site_facts, self.workspace)
        self._tell_standing()

    async def _load_places(self) -> None:
        """Import the other screens while nobody waits for them."""
        for place in places():
            await asyncio.to_thread(place.load)

    @property
    def command_log(self) -> Path:
        return self.workspace.root / COMMAND_LOG

    def site_named(self, name: str) -> SiteRow | None:
        """How a site stands, as far as the catalog knows it."""
        return next((row for row in self.sight.sites if row.name == name), None)

    def standing(self) -> Standing:
        """What the top line says now."""
        pages = self.sight.counts.pages
        driving = self.driving.driving
        wide = self.size.width >= WIDE
        return Standing(
            workspace=self.workspace.root.name,
            driving=str(driving),
            driving_tone=TONES[driving],
            stale_s=self.sight.stale_s(time.monotonic()),
            live=self.sight.seen_at is not None,
            activity=self.activity,
            running=pages.of(PageState.RUNNING),
            queued=pages.of(PageState.QUEUED),
            failed=pages.failed,
            ok=pages.ok,
            total=pages.total,
            autopilot=self.sight.autopilot.on,
            sites=tuple(top_parts(self.sight.sites, self.site_facts, time.time(), wide=wide)),
        )

    def tell(self, text: str, severity: Literal["information", "warning", "error"] = "information") -> None:
        """A word after the fact. What is not good is also kept for `?`."""
        text = clean(text)
        if severity != "information":
            self.troubles = [*self.troubles[1 - TROUBLES_KEPT :], f"{time.strftime('%H:%M:%S')} {text}"]
        seconds = TOAST_S if severity == "information" else TROUBLE_TOAST_S
        self.notify(text, severity=severity, timeout=seconds, markup=False)

    def go(self, place: str) -> None:
        """To one of the places; there again: to its list."""
        if self.current_mode == place:
            while len(self.screen_stack) > 1:
                self.pop_screen()
        else:
            self.switch_mode(place)

    def action_go(self, place: str) -> None:
        self.go(place)

    def action_help(self) -> None:
        self.push_screen(Help(keys_of(self.screen, self), self.troubles))

    async def action_quit(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        begin(self, self._leave, group="leave")

    async def _leave(self) -> None:
        """End the driver in order, then the panel."""
        if self._driving_thread is not None or self._background is not None:
            self.notify("Leaving; jobs that run go on.", markup=False)
        await asyncio.to_thread(self.stop_threads)
        self.exit()

    def stop_threads(self) -> None:
        """End the background's work and the driver in order; may be called again. Questions that wait are
        declined, so that nothing waits for a person who left."""
        self.asker.close()
        for thread in (self._background, self._driving_thread):
            if thread is not None:
                thread.stop()

    async def look_now(self) -> None:
        """Look at the catalog at once, after something was done to it."""
        await self._watch.look()

    def _saw(self, sight: Sight) -> None:
        self.sight = sight
        if isinstance(screen := self._top_screen(), PanelScreen):
            screen.hear(sight)
        self._tell_standing()

    def _tell_standing(self) -> None:
        if isinstance(screen := self._top_screen(), PanelScreen):
            screen.tell_standing()

    def _top_screen(self) -> Screen[Any] | None:
        """The screen one sees; None while the panel opens or closes."""
        try:
            return self.screen
        except ScreenStackError:
            return None

    @on(DrivingChanged)
    def _driving_changed(self, message: DrivingChanged) -> None:
        self.driving = message.state
        self._tell_standing()
        if message.state.driving is Driving.TROUBLE and message.state != self._trouble_told:
            self._trouble_told = message.state
            self.tell(f"{message.state.detail} {message.state.next_step}".strip(), "error")

    @on(DriverSaid)
    def _driver_said(self, message: DriverSaid) -> None:
        from bocr_tui.control.events import AutopilotSaid, SiteMoved, Trouble

        event = message.event
        if isinstance(event, Trouble):
            self.tell(f"{event.text} {event.next_step}".strip(), "warning")
        elif isinstance(event, SiteMoved) and event.link == "paused" and not self._is_held(event.site):
            self.tell(f"Site {event.site} is paused. {event.reason} 7, then r resumes it.", "error")
        elif isinstance(event, AutopilotSaid):
            said = f"The autopilot stopped: {event.text}" if event.stopped else event.text
            self.tell(said, "information")

    def _is_held(self, name: str) -> bool:
        """Whether a person paused it here, who need not be told."""
        row = self.site_named(name)
        return row is not None and row.paused_at is not None

    @on(Asked)
    def _asked(self, message: Asked) -> None:
        self._questions.take(message.pending)

    @on(Withdrawn)
    def _withdrawn(self, message: Withdrawn) -> None:
        self._questions.withdraw(message.pending)

    @on(ActivitySaid)
    def _activity_said(self, message: ActivitySaid) -> None:
        self.activity = message.text
        self._tell_standing()

    @on(ActivityEnded)
    def _activity_ended(self, message: ActivityEnded) -> None:
        self.activity = ""
        self._tell_standing()
        if message.ended.cause:
            self.tell(f"{message.ended.cause} {message.ended.next_step}".strip(), "error")


def run_panel(workspace: Workspace, *, drive: bool = True, background: Background | None = None) -> int:
    """Open the panel; returns 0 when the person leaves it.

    `background` is started after the first frame: a function that is given `say(line)` and returns an
    awaitable; what it says stands in the top line, and how it ends is told. Raises UsageError without a
    terminal, PanelBroke when a fault of ours ended it.
    """
    from bocr_tui.ui.terminal import stderr_kept_in

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The panel needs a terminal.", "Use `bocr status` or `bocr watch` here.")
    app = BocrApp(workspace, drive=drive, background=background)
    log = workspace.root / LOG_NAME
    try:
        with stderr_kept_in(log):
            app.run()
    finally:
        app.stop_threads()
    if app.return_code:
        raise PanelBroke("The panel broke; jobs that run go on.", f"Please report what is in {log}.")
    return 0
