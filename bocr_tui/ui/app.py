"""The panel: screens over the catalog's lists, a driver in a thread, words for everything that happens.

The first frame needs neither SQLModel nor a catalog: both are loaded afterwards, in threads.
"""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import App

from bocr_tui.config.errors import BocrError, UsageError
from bocr_tui.ui.driver_words import words_of
from bocr_tui.ui.driving import (
    Background,
    BackgroundThread,
    DriverThread,
    Driving,
    DrivingState,
)
from bocr_tui.ui.interacting import InteractingApp
from bocr_tui.ui.kept_rules import KeptStylesheet
from bocr_tui.ui.messages import ActivityEnded, ActivitySaid, DriverSaid, DrivingChanged
from bocr_tui.ui.pictures import Pictures
from bocr_tui.ui.places import places
from bocr_tui.ui.questions import Asked, PanelAsker, Withdrawn
from bocr_tui.ui.reading import Reading
from bocr_tui.ui.remembering import KEEP_EVERY_S
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.site_facts import SiteFacts, site_facts
from bocr_tui.ui.standing import standing_of
from bocr_tui.ui.terminal_facts import TerminalFacts
from bocr_tui.ui.theme import DARK, OWN, tone_variables
from bocr_tui.ui.watching import CatalogWatch, Sight
from bocr_tui.ui.widgets.top_line import Standing
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from bocr_tui.catalog.lists_sites import SiteRow
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.control.events import ControlEvent
    from bocr_tui.ui.screens.question import QuestionDesk

LOG_NAME = "panel.log"
"""In the workspace: what libraries and child processes printed while the panel was open."""

COMMAND_LOG = "commands.jsonl"
"""In the workspace, as sites/site.py names it, which loads pydantic."""


class PanelBroke(BocrError):
    """A fault of ours ended the panel."""


class BocrApp(InteractingApp):
    """The panel over one workspace. `drive` False: something else moves the jobs, or nothing does."""

    CSS_PATH: ClassVar = ["panel.tcss", "interaction.tcss"]
    LATER_CSS = Path(__file__).with_name("opened.tcss")
    """The style of what no first frame shows."""
    TITLE = "bocr"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 - Textual types it so
        (0, "-narrow"),
        (120, "-normal"),
        (200, "-wide"),
    ]

    def __init__(
        self,
        workspace: Workspace,
        *,
        drive: bool = True,
        background: Background | None = None,
        read_only: bool = False,
    ) -> None:
        asker = PanelAsker(self.post_message)
        super().__init__(workspace, asker, read_only=read_only)
        drive = drive and not self.read_only
        self.reading = Reading(workspace.catalog_path)
        self.pictures = Pictures(workspace)
        self.sight = Sight()
        self.driving = DrivingState(Driving.NOT_YET if drive else Driving.NOBODY)
        self.activity = ""
        self.site_facts: dict[str, SiteFacts] = {}
        self.asker = asker
        self._questions: QuestionDesk | None = None
        self._leaving = False
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

        self.terminal_facts = TerminalFacts()
        self._dress()

    def _dress(self) -> None:
        """Take the theme before the style sheets are read: afterwards all of them would be read again."""
        for theme in OWN:
            self.register_theme(theme)
        self.set_reactive(App.theme, self.first_theme(DARK.name))
        self.stylesheet = KeptStylesheet(variables=self.get_css_variables())
        theme = self.current_theme
        self.add_class(f"-theme-{theme.name}", "-dark-mode" if theme.dark else "-light-mode")

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
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first frame: look at the catalog, drive, do what was asked for."""
        gc.enable()
        self.stylesheet.read(self.LATER_CSS)
        begin(self, self._watch.run, group="watch")
        begin(self, self._read_site_facts, group="facts")
        begin(self, self._load_places, group="places")
        self.set_interval(KEEP_EVERY_S, self._keep_soon)
        if self._driving_thread is not None:
            self._driving_thread.start()
        else:
            begin(self, self._see_who_drives, group="who-drives")
        if self._background is not None:
            self._background.start()

    async def on_unmount(self) -> None:
        self.reading.close()
        self.doer.close()
        await self.pictures.close()

    async def _read_site_facts(self) -> None:
        self.site_facts = await asyncio.to_thread(site_facts, self.workspace)
        self._tell_standing()

    async def _see_who_drives(self) -> None:
        """A panel that drives nothing itself looks at who holds the lease, and leaves it alone."""
        from bocr_tui.ui.driving import look_who_drives

        async for state in look_who_drives(self.reading):
            if state != self.driving:
                self.post_message(DrivingChanged(state))

    async def _load_places(self) -> None:
        """Import the other screens while nobody waits for them, then take the person's own keys."""
        for place in places():
            await asyncio.to_thread(place.load)
        await self.take_keymap()

    @property
    def command_log(self) -> Path:
        return self.workspace.root / COMMAND_LOG

    def site_named(self, name: str) -> SiteRow | None:
        """How a site stands, as far as the catalog knows it."""
        return next((row for row in self.sight.sites if row.name == name), None)

    def standing(self) -> Standing:
        """What the top line says now."""
        return standing_of(self)

    async def action_quit(self) -> None:
        self.action_leave()

    def action_leave(self) -> None:
        """Once: a second key must not cut short what the first has begun."""
        if not self._leaving:
            self._leaving = True
            begin(self, self._leave, group="leave")

    async def _leave(self) -> None:
        """Send what waits, end the driver in order, then the panel."""
        await self.settle()
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
        """Draw at once what changed; how old it is, the screen tells every second by itself."""
        before, self.sight = self.sight, sight
        if isinstance(screen := self.top_screen(), PanelScreen):
            screen.hear(sight)
            if not sight.same_as(before):
                screen.tell_standing()

    def _tell_standing(self) -> None:
        if isinstance(screen := self.top_screen(), PanelScreen):
            screen.tell_standing()

    @on(DrivingChanged)
    def _driving_changed(self, message: DrivingChanged) -> None:
        self.driving = message.state
        self._tell_standing()
        if message.state.driving is Driving.TROUBLE and message.state != self._trouble_told:
            self._trouble_told = message.state
            self.tell(f"{message.state.detail} {message.state.next_step}".strip(), "error")

    @on(DriverSaid)
    def _driver_said(self, message: DriverSaid) -> None:
        said = words_of(message.event, held=self._is_held(getattr(message.event, "site", "")))
        if said is not None:
            self.tell(*said)

    def _is_held(self, name: str) -> bool:
        """Whether a person paused it here, who need not be told."""
        row = self.site_named(name)
        return row is not None and row.paused_at is not None

    @on(Asked)
    def _asked(self, message: Asked) -> None:
        if self._questions is None:
            from bocr_tui.ui.screens.question import QuestionDesk

            self._questions = QuestionDesk(self)
        self._questions.take(message.pending)

    @on(Withdrawn)
    def _withdrawn(self, message: Withdrawn) -> None:
        if self._questions is not None:
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


def run_panel(
    workspace: Workspace,
    *,
    drive: bool = True,
    background: Background | None = None,
    read_only: bool = False,
) -> int:
    """Open the panel; returns 0 when the person leaves it.

    `background` is started after the first frame: a function that is given `say(line)` and returns an
    awaitable; what it says stands in the top line, and how it ends is told. Raises UsageError without a
    terminal, PanelBroke when a fault of ours ended it.
    """
    from bocr_tui.ui.garbage import look_seldom
    from bocr_tui.ui.terminal import has_terminal, know_terminal, stderr_kept_in

    if not has_terminal():
        raise UsageError("The panel needs a terminal.", "Use `bocr status` or `bocr watch` here.")
    facts = know_terminal(workspace.config_path)
    app = BocrApp(workspace, drive=drive, background=background, read_only=read_only)
    app.terminal_facts = facts
    look_seldom()
    if facts.late:
        from bocr_tui.ui.late_answers import AnsweringLateDriver

        app.driver_class = AnsweringLateDriver
    log = workspace.root / LOG_NAME
    try:
        with stderr_kept_in(log):
            app.run()
    finally:
        app.stop_threads()
    if app.return_code:
        raise PanelBroke("The panel broke; jobs that run go on.", f"Please report what is in {log}.")
    return 0
