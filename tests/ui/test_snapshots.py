"""How every screen looks, and every list while it loads, is empty, cannot be read, or is old.

Every screen at three sizes, dark and light; so two lists in each of their states, and the other lists' states
at 80×24. The pictures lie in tests/ui/snapshots. BOCR_SNAPSHOTS=write writes them anew; look at them then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bocr_tui.ui.app import BocrApp
from bocr_tui.ui.places import place_named
from tests.ui.campaign import Campaign, add_waiting, build
from tests.ui.cell_svg import lines_of, svg_of
from tests.ui.conftest import Panel
from tests.ui.far_sites import add_sites
from tests.ui.staged import ListState, catalog_that, standing_ages, standing_clock

SNAPSHOTS = Path(__file__).parent / "snapshots"
SIZES = [(80, 24), (120, 40), (200, 60)]
SMALL = SIZES[0]
THEMES = ("bocr-dark", "bocr-light")
PLACES = ("plan", "batches", "jobs", "pages", "health", "documents", "sites", "settings")
LISTS = ("plan", "batches", "jobs", "pages", "documents", "sites")
WHOLE = ("jobs", "pages")
"""The lists whose states are looked at in every size and theme."""

SETTLES_S = 1.5
"""Longer than the panel's slowest tick, which dims keys and tells ages."""

SCRIPT = """\
#!/bin/bash -l
# bocr job {{ token }}: a script of this workspace's own.
{% for directive in directives -%}
#PBS {{ directive }}
{% endfor %}
exec {{ python }} "$root"/worker "$run" --cores {{ cores }}
"""
"""A shorter one than comes with bocr, so that work on that one changes no picture."""

sized = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture(scope="module")
def far_campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Campaign]:
    """With three sites, documents to plan and a batch to send, at the time at which the clock stands."""
    with standing_clock():
        campaign = build(tmp_path_factory.mktemp("snapshots") / "workspace")
        add_sites(campaign)
        add_waiting(campaign)
    template = campaign.workspace.root / "job_templates" / "pbs" / "job.sh.j2"
    template.parent.mkdir(parents=True)
    template.write_text(SCRIPT, encoding="utf-8")
    yield campaign
    campaign.catalog.close()


@sized
async def test_a_screen_looks_as_it_did(far_campaign: Campaign, size: tuple[int, int]) -> None:
    async with AsyncExitStack() as around:
        around.enter_context(standing_clock())
        around.enter_context(standing_ages())
        panel = await opened_panel(far_campaign, size, around)
        for place in PLACES:
            await panel.go(place)
            for theme in THEMES:
                await compare(panel, f"{place}-{size[0]}x{size[1]}", theme)


@sized
@pytest.mark.parametrize("state", ListState)
async def test_a_list_looks_as_it_did(
    far_campaign: Campaign, state: ListState, size: tuple[int, int]
) -> None:
    async with AsyncExitStack() as around:
        around.enter_context(standing_clock())
        around.enter_context(standing_ages())
        if state in (ListState.LOADING, ListState.ERROR):
            around.enter_context(catalog_that(state))
        panel = await opened_panel(far_campaign, size, around)
        places = LISTS if size == SMALL else WHOLE
        if state is ListState.STALE:
            for place in places:
                await panel.go(place)
                await compare(panel, f"{place}-{size[0]}x{size[1]}", THEMES[0])  # every pane is read
            around.enter_context(catalog_that(state))
        for place in places:
            await into(panel, place, state)
            for theme in THEMES if place in WHOLE else THEMES[:1]:
                await compare(panel, f"{place}-{state}-{size[0]}x{size[1]}", theme)


async def opened_panel(campaign: Campaign, size: tuple[int, int], around: AsyncExitStack) -> Panel:
    app = BocrApp(campaign.workspace, drive=False)
    return Panel(app, await around.enter_async_context(app.run_test(size=size, notifications=True)))


async def into(panel: Panel, place: str, state: ListState) -> None:
    """Bring a list into this state."""
    found = place_named(place)
    assert found is not None
    await panel.press(found.key)
    await panel.until(lambda: panel.app.current_mode == place)
    if state is ListState.LOADING:
        return
    await panel.until(lambda: panel.ready or panel.table.trouble)
    if state is ListState.EMPTY:
        await panel.press("slash", *"nothing", "enter")
        await panel.until(lambda: panel.ready and not panel.table.row_count)
    if state is ListState.STALE:
        await panel.press("ctrl+r")
        await panel.until(lambda: panel.table.trouble)
        await panel.press("j", "k")  # whatever the preview read before, it now says that it cannot
        if panel.app.size.width >= 120:
            await panel.sees("The catalog cannot be")


async def compare(panel: Panel, name: str, theme: str) -> None:
    """Raises AssertionError with the lines of both when the picture does not become the one that is kept:
    keys are dimmed, and ages told, a moment later."""
    if panel.app.theme != theme:
        panel.app.theme = theme
        await panel.pilot.pause()
    path = SNAPSHOTS / f"{name}-{theme.removeprefix('bocr-')}.svg"
    if os.environ.get("BOCR_SNAPSHOTS") == "write":
        await panel.pilot.pause(SETTLES_S)
        path.parent.mkdir(exist_ok=True)
        path.write_text(svg_of(panel.app), encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    ends = time.monotonic() + 2 * SETTLES_S
    while (now := svg_of(panel.app)) != kept and time.monotonic() < ends:
        await panel.pilot.pause(0.05)
    anew = "If that is meant, BOCR_SNAPSHOTS=write writes it anew."
    assert lines_of(now) == lines_of(kept), f"{path.name}: other words. {anew}"
    assert now == kept, f"{path.name}: the same words in other colours or places. {anew}"
