"""What the panel keeps of its screens from one time to the next."""

from __future__ import annotations

import asyncio
import contextlib
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bocr_tui.ui.kept_state import KeptState, read_state, write_state
from bocr_tui.ui.places import FIRST, place_named

if TYPE_CHECKING:
    from bocr_tui.ui.screens.base import PanelScreen

KEEP_EVERY_S = 20.0
"""A terminal may be closed without a word: that much of moving about is lost at most."""


class Memory:
    """The kept state of one workspace, and the places' screens that have a part in it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.state = read_state(root)
        self._written = deepcopy(self.state)
        self._screens: dict[str, PanelScreen[Any]] = {}

    @property
    def first_place(self) -> str:
        """Where the panel was left."""
        return self.state.place if place_named(self.state.place) else FIRST

    def theme(self, configured: str) -> str:
        """The theme to begin with: the one chosen last, unless bocr.toml has got another since."""
        kept = self.state
        return kept.theme if kept.theme and kept.configured_theme == configured else configured

    def wear(self, theme: str, configured: str) -> None:
        self.state.theme, self.state.configured_theme = theme, configured

    def meet(self, screen: PanelScreen[Any]) -> None:
        """A place's screen is there: it gets back what it said when it was left."""
        place = str(screen.PLACE)
        self._screens[place] = screen
        known = self.state.screens.get(place)
        if known is not None:
            # What was kept may be of an older panel: a screen that cannot use it begins afresh.
            with contextlib.suppress(Exception):
                screen.recall(known)

    def look(self, place: str) -> KeptState:
        """Ask every screen what to keep. Returns a copy that nobody changes."""
        self.state.place = place
        for name, screen in self._screens.items():
            if screen.is_mounted:
                self.state.screens[name] = screen.remember()
        return deepcopy(self.state)

    async def keep(self, place: str) -> None:
        """Write what changed since it was last written."""
        state = self.look(place)
        if state != self._written:
            self._written = state
            await asyncio.to_thread(write_state, self._root, state)
