"""The panel's places in their order: what each is called, its key, and the screen that is loaded with it.

A place's screen is imported when it is first needed, so that the first frame waits for one screen only. A
place whose module is not there is left out everywhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bocr_tui.ui.screens.base import PanelScreen

SCREENS = "bocr_tui.ui.screens"


@dataclass(frozen=True)
class Place:
    """`short` is the title where the line is narrow; `screen` the class in the module named like the id."""

    id: str
    key: str
    title: str
    short: str
    screen: str
    tooltip: str

    @property
    def module(self) -> str:
        return f"{SCREENS}.{self.id}"

    @property
    def there(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    @property
    def is_loaded(self) -> bool:
        return self.module in sys.modules

    def load(self) -> type[PanelScreen[None]]:
        """The screen's class; imports its module."""
        found: type[PanelScreen[None]] = getattr(importlib.import_module(self.module), self.screen)
        return found

    def open(self) -> PanelScreen[None]:
        """A new screen of this place, the first of its stack."""
        screen = self.load()()
        screen.is_root = True
        return screen


_ALL = (
    Place("plan", "1", "Plan", "Plan", "PlanScreen", "Put pages into batches, and send them."),
    Place("batches", "2", "Batches", "Batch", "BatchesScreen", "How far each batch is."),
    Place("jobs", "3", "Jobs", "Jobs", "JobsScreen", "What runs and what ran."),
    Place("pages", "4", "Pages", "Pages", "PagesScreen", "Every page."),
    Place("health", "5", "Health", "Health", "HealthScreen", "How fast it goes, and what happened."),
    Place("documents", "6", "Documents", "Docs", "DocumentsScreen", "Every document."),
    Place("sites", "7", "Sites", "Sites", "SitesScreen", "How each site is connected."),
    Place("settings", "8", "Settings", "Set", "SettingsScreen", "What is configured, and the looks."),
)

FIRST = "batches"
"""Where the panel opens when it was never open before."""


@cache
def places() -> tuple[Place, ...]:
    """Those whose screens are there."""
    return tuple(place for place in _ALL if place.there)


def place_named(place_id: str) -> Place | None:
    return next((place for place in places() if place.id == place_id), None)
