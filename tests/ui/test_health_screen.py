"""The Health screen: how fast it goes, why pages fail, and what happened while one was away."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from bocr_tui.catalog import core
from bocr_tui.ui.kept_state import KeptState, read_state, write_state
from bocr_tui.ui.screens.health import HealthScreen
from bocr_tui.ui.screens.log import LogScreen
from bocr_tui.ui.screens.pages import PagesScreen
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.plot import bar_rows, resampled
from bocr_tui.ui.widgets.virtual_table import VirtualTable
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened
from tests.ui.far_sites import add_sites
from tests.ui.test_hostile import NASTY, check


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.integers(1, 120), st.integers(1, 12))
def test_bars_have_the_size_asked_for_and_the_largest_fills_it(
    values: list[float], width: int, height: int
) -> None:
    rows = bar_rows(values, width, height)
    assert len(rows) == height and {len(row) for row in rows} == {width}
    columns = resampled(values, width)
    for place, value in enumerate(columns):
        assert (rows[-1][place] != " ") == (value > 0)
    if max(columns) > 0:
        assert rows[0][columns.index(max(columns))] == "█"


def note(campaign: Campaign, age_s: float, text: str, **columns: object) -> None:
    event = {"at": time.time() - age_s, "kind": "job", "text": text, "job_id": None, **columns}
    with campaign.catalog.writing() as connection:
        connection.execute(insert(core.event), [event])


@pytest.fixture
def busy(campaign: Campaign) -> Campaign:
    """Sites, a job that says how it is, attempts of the last hour, and a few events."""
    add_sites(campaign)
    now = time.time()
    beat = {"pages_per_s": 0.7, "completion_tokens_per_s": 1800, "gpus": 2, "gpu_percent": 81.0}
    with campaign.catalog.writing() as connection:
        job = core.job
        connection.execute(update(job).where(job.c.id == 7).values(heartbeat=beat, heartbeat_at=now))
        connection.execute(update(core.attempt).values(at=now - 900, completion_tokens=500))
    note(campaign, 7200, "Job submitted as 4009", job_id=7)
    note(campaign, 600, "Stage 1 (rapidocr) ended, walltime", job_id=1)
    note(campaign, 60, "Site box paused", kind="site")
    return campaign


async def on_health(panel: Panel) -> HealthScreen:
    await panel.go("health")
    screen = panel.app.screen
    assert isinstance(screen, HealthScreen)
    await panel.sees("running")
    return screen


async def test_it_says_how_fast_it_goes_what_is_used_and_what_is_left(busy: Campaign) -> None:
    async with opened(busy.workspace, (120, 40)) as panel:
        await on_health(panel)
        await panel.sees("now 42.0")
        await panel.sees("now 1,800")
        await panel.sees("2 GPUs, 81 % busy")
        assert "about" in panel.text and "14 pages" in panel.text
        assert "‖ paused: The key of box.example is" in panel.text


async def test_failures_by_class_open_their_pages(busy: Campaign) -> None:
    async with opened(busy.workspace, (120, 40)) as panel:
        await on_health(panel)
        await panel.sees("low confidence")
        await panel.press("tab", "j", "enter")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen) and panel.ready)
        assert {panel.table.current.failure} == {"low_confidence"}
        await panel.sees("7 pages")


async def test_the_timeline_is_filtered_by_job_site_and_words_and_opens(busy: Campaign) -> None:
    async with opened(busy.workspace, (120, 40)) as panel:
        screen = await on_health(panel)
        await panel.until(lambda: screen.timeline.row_count == 4)
        await panel.press("j", "o")
        await panel.until(lambda: screen.timeline.row_count == 1)
        await panel.sees("to job b0001s1")
        await panel.press("escape", "i")
        await panel.sees("every site")
        await panel.press("j", "enter")
        await panel.sees("on box")
        await panel.until(lambda: screen.timeline.row_count == 1)
        await panel.press("o")
        assert any("of no job" in toast for toast in panel.toasts)
        await panel.press("escape", "slash", *"walltime", "enter")
        await panel.until(lambda: screen.timeline.row_count == 1)
        await panel.press("enter")
        await panel.until(lambda: isinstance(panel.app.screen, PagesScreen))
        await panel.sees("job b0001s1")
        await panel.press("escape", "l")
        await panel.until(lambda: isinstance(panel.app.screen, LogScreen))


async def test_what_happened_since_one_was_last_here_stands_above_a_line(busy: Campaign) -> None:
    seen_at = time.time() - 3600
    write_state(busy.workspace.root, KeptState(screens={"health": {"seen_at": seen_at, "window": 2}}))
    async with opened(busy.workspace, (120, 40)) as panel:
        await on_health(panel)
        await panel.sees("2 lines since you were last here")
        await panel.sees("24 h")
        places = [panel.text.index(words) for words in ("walltime", "last here", "as 4009")]
        assert places == sorted(places)
        await panel.press("w")
        await panel.sees("7 d")
        await panel.press("q")
        await panel.until(lambda: read_state(busy.workspace.root).screens["health"]["window"] == 3)
    async with opened(busy.workspace, (120, 40)) as panel:
        screen = await on_health(panel)
        await panel.until(lambda: screen.timeline.loaded)
        assert "last here" not in panel.text


async def test_the_cursor_stays_on_its_line_while_more_happens(busy: Campaign) -> None:
    async with opened(busy.workspace, (120, 40)) as panel:
        screen = await on_health(panel)
        await panel.until(lambda: screen.timeline.row_count == 4)
        await panel.press("j")
        held = screen.timeline.current_id
        note(busy, 0, "Batch submitted: 3 pages")
        await panel.press("ctrl+r")
        await panel.until(lambda: screen.timeline.row_count == 5)
        assert (screen.timeline.current_id, screen.timeline.cursor) == (held, 2)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=str)
async def test_every_size_shows_plot_vitals_classes_and_timeline(
    busy: Campaign, size: tuple[int, int]
) -> None:
    async with opened(busy.workspace, size) as panel:
        await on_health(panel)
        for words in ("Pages/min", "Left", "Failed pages", "coverage", "What happened", "Site box paused"):
            await panel.sees(words)
        keys = panel.app.screen.query_one(KeyLine)
        assert 0 < len(keys.keys) <= 8
        assert keys.fitting() == list(keys.keys)


async def test_nothing_yet_is_said_and_hostile_words_are_only_text(
    campaign: Campaign, tmp_path: Path
) -> None:
    from bocr_tui.config.workspace import make_workspace

    async with opened(make_workspace(tmp_path / "empty")) as panel:
        await panel.press("5")
        await panel.sees("There is no catalog yet")
    for text in NASTY:
        note(campaign, 10, text, kind="\x1b[31m")
    async with opened(campaign.workspace, (120, 40)) as panel:
        await on_health(panel)
        await panel.until(lambda: panel.app.screen.query_one("#table", VirtualTable).row_count > 5)
        check(panel.lines, 120)
