"""A panel over a small campaign, and ways to wait for what it does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from bocr_tui.config.workspace import Workspace
from bocr_tui.ui.app import BocrApp
from bocr_tui.ui.driving import Background
from bocr_tui.ui.places import place_named
from bocr_tui.ui.screens.asking import Confirm
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from tests.ui.campaign import Campaign, build
from tests.ui.stalls import Stall, fail_on, watched_loop

WAIT_S = 20.0
"""Longer than anything here takes on a busy machine; only a failing test waits for it."""


class Panel:
    """A running panel, seen as a person sees it."""

    def __init__(self, app: BocrApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def table(self) -> VirtualTable[Any]:
        return self.app.screen.query_one(VirtualTable)

    @property
    def lines(self) -> list[str]:
        """What is on the screen, line by line."""
        height = self.app.size.height
        rows = self.app.screen._compositor.render_strips()
        return [strip.text for strip in rows[:height]]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def toasts(self) -> list[str]:
        return [notification.message for notification in self.app._notifications]

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait for something to become true; what is on the screen is told if it does not."""
        ends = time.monotonic() + WAIT_S
        while not true():
            if time.monotonic() > ends:
                raise AssertionError(f"never came: {what or true}\n{self.text}\n{self.toasts}")
            await self.pilot.pause(0.03)
        await self.pilot.pause()

    async def sees(self, text: str) -> None:
        await self.until(lambda: text in self.text, f"the words {text!r}")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def agree(self) -> None:
        """Answer a question with the button that does it, once it can be answered."""
        await self.until(lambda: isinstance(self.app.screen, Confirm) and self.app.focused is not None)
        await self.press("right", "enter")

    async def go(self, place: str) -> None:
        """To one of the places by its name, and wait for its list."""
        found = place_named(place)
        assert found is not None, f"there is no place {place}"
        await self.press(found.key)
        await self.until(lambda: isinstance(self.app.screen, PanelScreen) and self.ready)

    @property
    def ready(self) -> bool:
        """The list is read whole, and so are the rows in view."""
        tables = self.app.screen.query(VirtualTable)
        return bool(tables) and all(
            table.loaded and table.complete and (table.current is not None or not table.row_count)
            for table in tables
        )


@asynccontextmanager
async def opened(
    workspace: Workspace,
    size: tuple[int, int] = (80, 24),
    *,
    drive: bool = False,
    background: Background | None = None,
    read_only: bool = False,
) -> AsyncIterator[Panel]:
    app = BocrApp(workspace, drive=drive, background=background, read_only=read_only)
    async with app.run_test(size=size, notifications=True) as pilot:
        panel = Panel(app, pilot)
        await panel.until(lambda: panel.ready or panel.table.trouble)
        try:
            yield panel
        finally:
            app.workers.cancel_all()  # as the app itself begins to close, where no pilot closes it


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second between two looks at the catalog is for people, and so are three to take back a key."""
    monkeypatch.setattr("bocr_tui.ui.watching.POLL_S", 0.1)
    monkeypatch.setattr("bocr_tui.ui.outbox.OUTBOX_S", 0.1)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    monkeypatch.setattr("bocr_tui.ui.app.KEEP_EVERY_S", 3600.0)


@pytest.fixture(autouse=True)
def loop_stalls() -> Iterator[list[Stall]]:
    """What held up the loop so far in this test, which fails if anything did: from the first frame on, for
    nothing that the panel does to start takes that long at once."""
    with watched_loop() as stalls:
        yield stalls
    fail_on(stalls)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Two and a half batches in seven documents, pages in every state."""
    return build(tmp_path / "workspace")


@pytest.fixture(scope="session")
def shared_campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """The same for tests that only look."""
    return build(tmp_path_factory.mktemp("shared") / "workspace")
