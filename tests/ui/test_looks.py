"""Every screen at every size: nothing cut off that matters, at most eight keys below."""

from __future__ import annotations

import pytest

from bocr_tui.ui.widgets.key_line import KeyLine
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened

SIZES = [(80, 24), (120, 40), (200, 60)]
HEADERS = {
    "batches": ("Batch", "State", "Progress", "Settled", "Failed"),
    "jobs": ("Job", "Batch", "Stage", "State", "Read", "Failed"),
    "pages": ("Document", "Page", "State", "Class", "Conf"),
    "documents": ("Document", "State", "Pages", "Progress", "Failed"),
    "sites": ("Site", "Connection", "Jobs", "Read", "Asked"),
}


@pytest.mark.parametrize(("size", "panes"), list(zip(SIZES, (1, 2, 3), strict=True)), ids=str)
async def test_a_wider_terminal_shows_more_panes_and_every_one_shows_its_columns_and_keys_whole(
    shared_campaign: Campaign, size: tuple[int, int], panes: int
) -> None:
    async with opened(shared_campaign.workspace, size) as panel:
        for place, titles in HEADERS.items():
            await panel.go(place)
            header = panel.lines[2].replace("▲", " ").split()
            assert [title for title in titles if title not in header] == []
            check_keys_and_panes(panel, panes)
        await panel.go("pages")
        await panel.press("enter")
        await panel.sees("page 1 of 20")
        check_keys_and_panes(panel, panes)


def check_keys_and_panes(panel: Panel, panes: int) -> None:
    keys = panel.app.screen.query_one(KeyLine)
    assert 0 < len(keys.keys) <= 8
    assert keys.fitting() == list(keys.keys)
    body = panel.app.screen.query_one("#body")
    assert len([pane for pane in body.children if pane.region.width]) == panes


async def test_a_long_filter_leaves_the_place_and_the_count_in_the_second_line(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        panel.app.screen.filter_by(  # type: ignore[attr-defined]
            "state:failed,gave_up class:coverage,low_confidence -engine:tesseract conf<80 page>1 tries<9"
        )
        await panel.until(lambda: panel.ready and "4 Pages" in panel.lines[1])
        await panel.until(lambda: panel.lines[1].rstrip().endswith("pages"))
        assert "state:failed,gave_up" in panel.lines[1] and "…" in panel.lines[1]


async def test_a_terminal_that_changes_its_size_keeps_the_row(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.press("G")
        held = panel.table.current_id
        for size in [*SIZES[1:], (60, 12), (80, 24)]:
            await panel.pilot.resize_terminal(*size)
            await panel.pilot.pause()
            assert panel.table.current_id == held
            top = panel.table.top
            assert top <= panel.table.cursor < top + panel.table.rows_in_view


async def test_preview_tells_of_the_row_under_the_cursor(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await panel.sees("Failed, by class")
        await panel.go("jobs")
        await panel.press("j")
        await panel.sees("Last heard")
        await panel.go("documents")
        await panel.sees("SHA-256")
        await panel.go("pages")
        await panel.press("f")
        await panel.sees("Why it failed")


async def test_the_mouse_moves_the_cursor_and_opens(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("pages")
        await panel.pilot.click("#table", offset=(5, 4))
        assert panel.table.cursor == 3
        await panel.pilot.double_click("#table", offset=(5, 5))
        await panel.sees("page 5 of 20")
        await panel.press("escape")
        await panel.sees("140 pages")
        await panel.pilot.click("#place", offset=(panel.lines[1].index("Jobs"), 0))
        await panel.sees("8 jobs")
