"""Nothing that a person does holds up the loop that draws: a test of the panel in which it does fails."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest
from textual import events
from textual.app import App

from tests.ui.campaign import Campaign
from tests.ui.conftest import opened
from tests.ui.stalls import SMALL_WORK, STALL_S, Stall, fail_on

BURNS_S = STALL_S * 3
"""Too long even for a machine that takes twice as long for everything."""


def burn() -> None:
    ends = time.thread_time() + BURNS_S
    while time.thread_time() < ends:
        pass


class Burning(App[None]):
    """Works at once for `b`, and in a thread for `t`."""

    def __init__(self) -> None:
        super().__init__()
        self.handled: list[str] = []

    async def on_key(self, event: events.Key) -> None:
        if event.key == "b":
            burn()
        else:
            await asyncio.to_thread(burn)
        self.handled.append(event.key)


async def test_a_handler_that_burns_cpu_is_caught_by_name_and_one_that_awaits_is_not(
    loop_stalls: list[Stall], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Burning()
    async with app.run_test() as pilot:
        await pilot.press("t")
        assert app.handled == ["t"] and loop_stalls == []
        monkeypatch.setattr(SMALL_WORK, "slowness", lambda: 1.0)  # of a busy machine, that would excuse it
        await pilot.press("b")
    (stall,) = loop_stalls
    loop_stalls.clear()
    assert stall.what.startswith("Burning on Key(key='b'") and stall.cpu_s > STALL_S
    with pytest.raises(AssertionError, match=r"Burning on Key\(key='b'.* took \d+ ms of the loop's CPU"):
        fail_on([stall])


async def test_a_plain_callback_is_caught_and_a_look_for_garbage_is_not(
    loop_stalls: list[Stall], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SMALL_WORK, "slowness", lambda: 1.0)

    def collects() -> None:
        """As long as a stall, and nearly all of it garbage's."""
        ends = time.thread_time() + BURNS_S
        while time.thread_time() < ends:
            gc.collect()

    for callback in (collects, burn):
        assert loop_stalls == []
        asyncio.get_running_loop().call_soon(callback)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert [".burn" in stall.what or "burn()" in stall.what for stall in loop_stalls] == [True]
    loop_stalls.clear()


async def test_what_a_test_does_itself_is_no_stall(loop_stalls: list[Stall]) -> None:
    await asyncio.sleep(0)
    burn()
    await asyncio.sleep(0)
    assert loop_stalls == []


async def test_moving_marking_and_filtering_at_the_largest_size_never_stall_the_loop(
    shared_campaign: Campaign, loop_stalls: list[Stall]
) -> None:
    async with opened(shared_campaign.workspace, (200, 60)) as panel:
        await panel.go("pages")
        await panel.press("f", "f", "G", "g")
        await panel.press(*["j"] * 15, "G", "k", "g", "ctrl+d", "ctrl+u", "f")
        await panel.until(lambda: panel.ready)
        await panel.press("f", "S", "escape")
    assert loop_stalls == []
