"""Keys for a list that is still being read: they hold for its rows once they are there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual.events import Key

from bocr_tui.config.workspace import make_workspace
from bocr_tui.ui.screens.help import Help
from bocr_tui.ui.screens.jobs import JobsScreen
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.screens.pages import PagesScreen
from tests.ui.campaign import Campaign, build
from tests.ui.conftest import opened


async def test_moves_and_enter_hold_for_a_list_that_is_still_being_read(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("g")
        wanted = shared_campaign.pages[2]["number"]
        reading, read = panel.app.reading.ask, asyncio.Event()

        async def slowly(*given: Any) -> Any:
            await read.wait()
            return await reading(*given)

        with patch.object(panel.app.reading, "ask", slowly):
            await panel.press("f", "f", "j", "j", "enter")
            assert isinstance(panel.app.screen, PagesScreen)
            read.set()
            await panel.until(lambda: isinstance(panel.app.screen, PageScreen))
        await panel.sees(f"page {wanted} of 20")


async def test_enter_where_no_row_is_opens_none_that_comes_later(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    async with opened(workspace) as panel:
        await panel.sees("There is no catalog yet")
        await panel.press("enter")
        build(workspace.root, documents=1)
        await panel.sees("b00001")
        await panel.until(lambda: panel.ready)
        assert len(panel.app.screen_stack) == 1


async def test_enter_opens_nothing_over_a_place_that_one_went_to_meanwhile(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("jobs")
        await panel.go("pages")
        table, reading, read = panel.table, panel.app.reading.ask, asyncio.Event()

        async def slowly(*given: Any) -> Any:
            await read.wait()
            return await reading(*given)

        with patch.object(panel.app.reading, "ask", slowly):
            await panel.press("f", "enter", "3")
            await panel.until(lambda: isinstance(panel.app.screen, JobsScreen))
            read.set()
            await panel.until(lambda: table.current is not None)
        await panel.pilot.pause()
        assert isinstance(panel.app.screen, JobsScreen)
        assert not any(isinstance(screen, PageScreen) for screen in panel.app.screen_stack)


async def test_what_is_pressed_after_enter_waits_for_the_row_that_it_opens(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        table, reading, read = panel.table, panel.app.reading.ask, asyncio.Event()

        async def slowly(*given: Any) -> Any:
            await read.wait()
            return await reading(*given)

        with patch.object(panel.app.reading, "ask", slowly):
            await panel.press("f", "enter")
            panel.app.post_message(Key("question_mark", "?"))
            await panel.pilot.pause(0.2)
            assert isinstance(panel.app.screen, PagesScreen)
            read.set()
            await panel.until(lambda: isinstance(panel.app.screen, Help))
        assert isinstance(panel.app.screen_stack[-2], PageScreen)
        assert not table.holds_keys


async def test_a_place_that_was_open_waits_for_no_thread(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.go("jobs")
        with patch("bocr_tui.ui.interacting.asyncio.to_thread", side_effect=AssertionError("a thread")):
            await panel.app.action_go("pages")
        assert isinstance(panel.app.screen, PagesScreen)
