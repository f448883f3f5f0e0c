"""Keys for a list that is still being read: they hold for its rows once they are there."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.screens.pages import PagesScreen
from tests.ui.campaign import Campaign
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
