"""Work that a screen began ends before the screen's widgets go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import Static

from bocr_tui.ui.app import BocrApp
from bocr_tui.ui.screens.batches import BatchesScreen
from bocr_tui.ui.widgets.facts import Facts
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel


async def test_a_panel_closes_quietly_while_a_preview_is_read(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preview's answer comes at the worst moment: the panes' parts are gone, the screen is not."""
    began, parts_are_gone = asyncio.Event(), asyncio.Event()
    drawn: list[str] = []

    async def preview(screen: BatchesScreen, row: Any) -> None:
        began.set()
        await parts_are_gone.wait()
        drawn.append("after")
        screen.query_one("#preview", Facts).query_one(Static).update("too late")

    app = BocrApp(campaign.workspace, drive=False)
    async with app.run_test(size=(200, 60)) as pilot:
        panel = Panel(app, pilot)
        await panel.until(lambda: panel.ready)
        await panel.until(lambda: panel.app.screen.query("#preview"))
        pane = panel.app.screen.query_one("#preview", Facts)
        monkeypatch.setattr(
            type(pane.query_one(Static)), "on_unmount", lambda _: parts_are_gone.set(), raising=False
        )
        monkeypatch.setattr(BatchesScreen, "preview", preview)
        await panel.press("j")
        await asyncio.wait_for(began.wait(), 5)
    assert parts_are_gone.is_set()
    assert not drawn
