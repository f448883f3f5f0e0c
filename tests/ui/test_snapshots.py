"""How a list looks while it loads, is empty, cannot be read, or is old: at three sizes, dark and light.

The pictures lie in tests/ui/snapshots. BOCR_SNAPSHOTS=write writes them anew; look at them then.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import AsyncExitStack
from html import unescape
from pathlib import Path

import pytest

from bocr_tui.ui.app import BocrApp
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel
from tests.ui.staged import ListState, catalog_that, picture, standing_clock

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 40), (200, 60)]
THEMES = ["bocr-dark", "bocr-light"]

SETTLES_S = 1.5
"""Longer than the panel's slowest tick, which dims keys and tells ages."""

_LINE = re.compile(r"<text[^>]* y=\"([\d.]+)\"[^>]*>(.*?)</text>")


def lines_of(svg: str) -> list[str]:
    """The words of a picture, to be compared by eye when a test fails."""
    lines: dict[float, str] = {}
    for y, words in _LINE.findall(svg):
        lines[float(y)] = lines.get(float(y), "") + unescape(words).replace("\xa0", " ")
    return [lines[y] for y in sorted(lines)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", ListState)
async def test_a_list_looks_as_it_did(
    shared_campaign: Campaign, state: ListState, size: tuple[int, int]
) -> None:
    async with AsyncExitStack() as around:
        around.enter_context(standing_clock())
        if state in (ListState.LOADING, ListState.ERROR):
            around.enter_context(catalog_that(state))
        app = BocrApp(shared_campaign.workspace, drive=False)
        panel = Panel(app, await around.enter_async_context(app.run_test(size=size, notifications=True)))
        await into(panel, state, around)
        for theme in THEMES:
            app.theme = theme
            await panel.pilot.pause()
            await compare(panel, f"{state}-{size[0]}x{size[1]}-{theme}")


async def into(panel: Panel, state: ListState, around: AsyncExitStack) -> None:
    """Bring the list of pages into this state."""
    await panel.press("4")
    if state is ListState.LOADING:
        await panel.until(lambda: panel.app.current_mode == "pages")
        return
    await panel.until(lambda: panel.ready or panel.table.trouble)
    if state is ListState.EMPTY:
        await panel.press("slash", *"nothing", "enter")
        await panel.until(lambda: panel.ready and not panel.table.row_count)
    if state is ListState.STALE:
        around.enter_context(catalog_that(state))
        await panel.sees("stale")
        await panel.press("ctrl+r")
        await panel.until(lambda: panel.table.trouble)
        await panel.press("j", "k")  # whatever the preview read before, it now says that it cannot
        if panel.app.size.width >= 120:
            await panel.sees("The catalog cannot be")


async def compare(panel: Panel, name: str) -> None:
    """Raises AssertionError with the lines of both when the picture does not become the one that is kept:
    keys are dimmed, and ages told, a moment later."""
    path = SNAPSHOTS / f"{name}.svg"
    if os.environ.get("BOCR_SNAPSHOTS") == "write":
        await panel.pilot.pause(SETTLES_S)
        path.parent.mkdir(exist_ok=True)
        path.write_text(picture(panel.app), encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    ends = time.monotonic() + 2 * SETTLES_S
    while (now := picture(panel.app)) != kept and time.monotonic() < ends:
        await panel.pilot.pause(0.1)
    assert lines_of(now) == lines_of(kept), f"{name}: other words"
    assert now == kept, f"{name}: the same words in other colours or places"
