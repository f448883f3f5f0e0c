"""Nothing that a person does in a list holds up the loop that draws."""

from __future__ import annotations

import asyncio
import time

from tests.ui.campaign import Campaign
from tests.ui.conftest import opened
from tests.ui.stalls import STALL_S, watched_loop


async def test_moving_marking_and_filtering_never_stall_the_loop(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (200, 60)) as panel:
        await panel.go("pages")
        await panel.press("f", "f", "G", "g")
        with watched_loop() as stalls:
            await panel.press(*["j"] * 15, "G", "k", "g", "ctrl+d", "ctrl+u", "f")
            await panel.until(lambda: panel.ready)
            await panel.press("f", "S", "escape")
        assert stalls == []


async def test_a_callback_that_takes_long_is_caught() -> None:
    def takes_long() -> None:
        ends = time.thread_time() + STALL_S * 1.2
        while time.thread_time() < ends:
            pass

    with watched_loop() as stalls:
        asyncio.get_running_loop().call_soon(takes_long)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [stall.cpu_s > STALL_S for stall in stalls] == [True]
