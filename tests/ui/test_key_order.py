"""Keys that come all at once, as over a slow line: each goes where it would have gone one by one."""

from __future__ import annotations

import asyncio
import time

from textual.events import Key, MouseDown, MouseEvent, MouseUp, Paste
from textual.widgets import Input

from bocr_tui.ui.key_order import PATIENCE_S
from bocr_tui.ui.messages import ActivitySaid
from bocr_tui.ui.screens.command_line import CommandLine
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.screens.pages import PagesScreen
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened

NAMED = {"/": "slash", ":": "colon"}


def burst(panel: Panel, *keys: str) -> None:
    """Let all these keys come before any of them is looked at; a letter or a key's name each."""
    for key in keys:
        letter = key if len(key) == 1 else None
        panel.app.post_message(Key(NAMED.get(key, key), "\r" if key == "enter" else letter))


def click(kind: type[MouseEvent], x: int, y: int) -> MouseEvent:
    """The left button goes down or up there."""
    return kind(None, x, y, 0, 0, 1, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y)


async def test_a_filter_typed_at_once_is_in_its_line_whole_and_what_follows_enter_is_the_lists(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        burst(panel, "4", *"/state:ok", "enter", *"jjj")
        await panel.sees("state:ok  91 pages")
        await panel.until(lambda: panel.ready and panel.table.cursor == 3)
        assert not panel.app.screen.query_one(Input).has_focus
        burst(panel, "/", *"page:3", "escape", "j")
        await panel.until(lambda: panel.table.cursor == 4)
        assert "state:ok" in panel.lines[1]


async def test_a_command_typed_at_once_is_carried_out(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        burst(panel, *":go pages", "enter")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen) and panel.ready)
        burst(panel, *":fil")
        await panel.until(lambda: isinstance(panel.app.screen, CommandLine))
        await panel.until(lambda: panel.app.screen.query_one(Input).value == "fil")


async def test_keys_after_enter_on_a_row_are_for_what_it_opens(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        burst(panel, "enter", "j", "j", "enter", "escape", "j")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen) and panel.ready)
        await panel.until(lambda: panel.table.cursor == 3)
        burst(panel, "enter", "question_mark", "escape", "escape", "escape")
        await panel.until(lambda: len(panel.app.screen_stack) == 1)
        assert not isinstance(panel.app.screen, (PageScreen, PagesScreen))


async def test_news_that_stream_in_hold_no_key_up(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")

        async def stream() -> None:
            while True:
                panel.app.post_message(ActivitySaid("reading"))
                await asyncio.sleep(0)

        streaming = asyncio.create_task(stream())
        began = time.monotonic()
        burst(panel, *"j" * 10)
        try:
            await panel.until(lambda: panel.table.cursor == 10)
        finally:
            streaming.cancel()
        assert time.monotonic() - began < 5 * PATIENCE_S


async def test_what_is_pasted_after_a_key_goes_where_the_key_leads(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        panel.app.post_message(Key("4", "4"))
        panel.app.post_message(Key("slash", "/"))
        panel.app.post_message(Paste("state:ok"))
        burst(panel, "enter", "j")
        await panel.sees("state:ok  91 pages")
        await panel.until(lambda: panel.ready and panel.table.cursor == 1)


async def test_a_click_comes_after_the_keys_before_it(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        place = panel.table.content_region
        burst(panel, *"j" * 30)
        for kind in (MouseDown, MouseUp):
            panel.app.post_message(click(kind, place.x + 4, place.y + 3))
        await panel.until(lambda: not panel.app._held_keys)
        await panel.pilot.pause()
        await panel.until(lambda: panel.table.cursor == panel.table.top + 2)


async def test_one_can_leave_at_once_however_much_waits_for_a_screen_that_does_not_answer(
    campaign: Campaign,
) -> None:
    async with opened(campaign.workspace) as panel:
        await panel.go("pages")
        freed = asyncio.Event()
        panel.app.screen.call_later(freed.wait)
        burst(panel, *"j" * 20, "ctrl+q")
        began = time.monotonic()
        try:
            while not panel.app._exit:
                assert time.monotonic() - began < 3 * PATIENCE_S
                await asyncio.sleep(0.02)
        finally:
            freed.set()
