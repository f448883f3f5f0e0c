"""The panel's keys that hold on every screen: going, help, commands, copying, undoing; and its memory."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual.app import ScreenStackError
from textual.binding import Binding
from textual.command import Provider
from textual.screen import Screen

from bocr_tui.config.errors import UsageError
from bocr_tui.config.served import served
from bocr_tui.ui.acting import carry_out
from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.doing import Doer
from bocr_tui.ui.key_order import KeysInOrder
from bocr_tui.ui.outbox import Outbox, Waiting
from bocr_tui.ui.panel_settings import panel_keymap, read_panel_settings
from bocr_tui.ui.places import place_named, places
from bocr_tui.ui.remembering import Memory
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.theme import DARK
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.sites.asking import Asker
    from bocr_tui.ui.app import BocrApp

TROUBLES_KEPT = 50
MOST_QUOTED = 40

READ_ONLY_ASKED = "the panel was opened with --readonly"
READ_ONLY_SERVED = "a served panel is read-only unless it was started by `bocr serve --write`"
READ_ONLY_SET = "bocr.toml says read_only of the panel"

TOAST_S = 4.0
"""Time to read a short sentence twice."""

TROUBLE_TOAST_S = 8.0
"""A sentence with a cause and a next step takes longer to read."""


def palette_commands() -> type[Provider]:
    """Loaded when the palette is opened first."""
    from bocr_tui.ui.palette import PanelCommands

    return PanelCommands


class InteractingApp(KeysInOrder):
    """What every screen of the panel can rely on, whatever it shows."""

    COMMANDS: ClassVar = {palette_commands}
    MODES: ClassVar = {place.id: place.open for place in places()}

    BINDINGS: ClassVar = [
        *(
            Binding(
                place.key,
                f"go('{place.id}')",
                place.title,
                show=False,
                tooltip=place.tooltip,
                id=f"go.{place.id}",
            )
            for place in places()
        ),
        *with_ids(
            "app",
            (
                Binding(
                    "question_mark", "help", "Help", key_display="?", tooltip="Every key of this screen."
                ),
                Binding(
                    "colon", "command", "Command", show=False, tooltip="Type a command; tab completes it."
                ),
                Binding(
                    "y", "copy", "Copy", show=False, tooltip="Send what the cursor is on to the clipboard."
                ),
                Binding(
                    "Y", "copied", "Copied", show=False, tooltip="Show what was copied, to select it by hand."
                ),
                Binding(
                    "z", "zoom", "Zoom", show=False, tooltip="Let one pane fill the screen, or give it back."
                ),
                Binding(
                    "u", "undo", "Undo", show=False, tooltip="Take back a resubmission before it is sent."
                ),
                Binding("f1", "tour", "Tour", show=False, tooltip="A walk through the panel in a few cards."),
                Binding("q", "leave", "Quit", tooltip="Leave the panel; jobs that run go on."),
            ),
        ),
    ]

    def __init__(self, workspace: Workspace, asker: Asker, *, read_only: bool) -> None:
        self.memory = Memory(workspace.root)
        self.DEFAULT_MODE = self.memory.first_place  # type: ignore[misc]  # read by App.__init__
        super().__init__()
        self.workspace = workspace
        self.settings = read_panel_settings(workspace)
        asked = READ_ONLY_SERVED if served() else READ_ONLY_ASKED
        self.read_only = asked if read_only else READ_ONLY_SET if self.settings.read_only else ""
        """Why nothing may be changed; empty where it may."""
        self.doer = Doer(workspace, asker, self.read_only)
        self.outbox = Outbox(self, self._send, self._tell_outbox)
        self.troubles: list[str] = []
        self._copied = ""

    @property
    def panel(self) -> BocrApp:
        return cast("BocrApp", self)

    def first_theme(self, otherwise: str) -> str:
        """The theme to open with."""
        wanted = self.memory.theme(self.settings.theme)
        return wanted if wanted in self.available_themes else otherwise

    async def take_keymap(self) -> None:
        """Read the person's own keys; what is wrong in them is told."""
        keymap = await asyncio.to_thread(panel_keymap, self.workspace, self.settings)
        if keymap.keys:
            self.set_keymap(keymap.keys)
        for problem in keymap.problems:
            self.tell(problem, "warning")

    async def settle(self) -> None:
        """Before leaving: send what waits, and keep what there is to remember."""
        if self.outbox.words:
            self.notify(f"{self.outbox.words}: sent before leaving.", markup=False)
            await self.outbox.flush()
        await self.memory.keep(self.current_mode)

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

    async def action_go(self, place: str) -> None:
        """By its key. A place not loaded yet is loaded beside the loop, and later keys wait for it."""
        found = place_named(place)
        if found is not None and not found.is_loaded:
            await asyncio.to_thread(found.load)
        self.go(place)

    def top_screen(self) -> Screen[Any] | None:
        """The screen one sees; None while the panel opens or closes."""
        try:
            return self.screen
        except ScreenStackError:
            return None

    def go_to(self, said: str) -> None:
        """To the place that is called so. Raises UsageError."""
        from bocr_tui.ui.obeying import place_called

        self.go(place_called(said))

    def wear(self, theme: str) -> None:
        """Change the colours, and remember it. Raises UsageError."""
        if theme not in self.available_themes:
            from bocr_tui.ui.typed import nearest

            raise UsageError(f"There is no theme {theme!r}.", nearest(theme, list(self.available_themes)))
        self.theme = theme
        self.memory.wear(theme, self.settings.theme)

    def wear_configured(self) -> None:
        """Back to the colours that bocr.toml says, or to those that the panel comes with."""
        configured = self.settings.theme
        self.theme = configured if configured in self.available_themes else DARK.name
        self.memory.wear("", configured)

    def action_help(self) -> None:
        from bocr_tui.ui.offers import offers
        from bocr_tui.ui.screens.help import Help

        screen = self.screen
        filters = screen.filter_help() if isinstance(screen, PanelScreen) else ()
        self.push_screen(Help(offers(screen, self.panel), self.troubles, filters))

    def action_help_quit(self) -> None:
        """Ctrl+C, which people press to leave a program."""
        self.tell("q leaves the panel, and so does :quit; jobs that run go on.")

    def action_tour(self) -> None:
        from bocr_tui.ui.screens.tour import Tour

        self.push_screen(Tour())

    def action_command(self) -> None:
        self.ask_command("")

    def ask_command(self, line: str) -> None:
        """Let a command be typed that begins so."""
        from bocr_tui.ui.obeying import ask_and_obey

        ask_and_obey(self.panel, line)

    def action_zoom(self) -> None:
        """Let the pane with the focus fill the screen, or give it back."""
        screen = self.screen
        if screen.maximized is not None:
            screen.minimize()
        elif screen.focused is None or not screen.maximize(screen.focused):
            self.tell("There is no pane to zoom here.")

    def action_copy(self) -> None:
        screen = self.screen
        text = screen.get_selected_text() or (screen.to_copy() if isinstance(screen, PanelScreen) else "")
        if not text:
            self.tell("There is nothing to copy here.")
            return
        self._copied = text
        self.copy_to_clipboard(text)
        self.tell(f"{first_words(text)} was sent to the terminal's clipboard; Y shows it.")

    def action_copied(self) -> None:
        """What was copied last, to be selected by hand."""
        from bocr_tui.ui.screens.copied import Copied

        if self._copied:
            self.push_screen(Copied(self._copied))
        else:
            self.tell("Nothing was copied yet; y copies what the cursor is on.")

    def action_undo(self) -> None:
        taken = self.outbox.undo()
        self.tell(
            f"Taken back: {taken.words}." if taken else "Nothing waits to be sent: there is no undo now."
        )

    async def _send(self, waiting: Waiting) -> None:
        await carry_out(self.panel, waiting.action, waiting.selection, waiting.options)

    def _tell_outbox(self) -> None:
        if isinstance(screen := self.top_screen(), PanelScreen):
            screen.tell_outbox(self.outbox.told())

    def _keep_soon(self) -> None:
        begin(self, partial(self.memory.keep, self.current_mode), group="keep")


def first_words(text: str) -> str:
    """The beginning of what was copied, in one line."""
    line = clean(text.strip().splitlines()[0]) if text.strip() else ""
    more = len(text.strip()) > len(line) or len(line) > MOST_QUOTED
    return f"“{line[:MOST_QUOTED]}{'…' if more else ''}”"
