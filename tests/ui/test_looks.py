"""Every screen at every size: nothing cut off that matters, at most eight keys below."""

from __future__ import annotations

import pytest
from textual.widgets import Footer

from tests.ui.campaign import Campaign
from tests.ui.conftest import opened

SIZES = [(80, 24), (120, 40), (200, 60)]
HEADERS = {
    "1": ("Batch", "State", "Progress", "Settled", "Failed"),
    "2": ("Batch", "Stage", "Engine", "State", "Read", "Failed"),
    "3": ("Document", "Page", "State", "Class", "Conf"),
    "4": ("Document", "State", "Pages", "Progress", "Failed"),
}


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_list_shows_its_columns_whole_at_every_size(
    shared_campaign: Campaign, size: tuple[int, int]
) -> None:
    async with opened(shared_campaign.workspace, size) as panel:
        for key, titles in HEADERS.items():
            await panel.go(key)
            header = panel.lines[2].split()
            assert [title for title in titles if title not in header] == []
            assert panel.app.screen.query("FooterKey").__len__() <= 8
            footer = panel.app.screen.query_one(Footer)
            assert all(child.region.right <= size[0] for child in footer.children)
        await panel.go("3")
        await panel.press("enter")
        await panel.sees("page 1 of 20")
        footer = panel.app.screen.query_one(Footer)
        assert len(footer.children) <= 8
        assert all(child.region.right <= size[0] for child in footer.children)


@pytest.mark.parametrize(
    ("size", "panes"), [((80, 24), 1), ((120, 40), 2), ((200, 60), 3)], ids=["80", "120", "200"]
)
async def test_wider_terminals_show_more_panes(
    shared_campaign: Campaign, size: tuple[int, int], panes: int
) -> None:
    async with opened(shared_campaign.workspace, size) as panel:
        for key in "1234":
            await panel.go(key)
            body = panel.app.screen.query_one("#body")
            assert len([child for child in body.children if child.region.width]) == panes
        await panel.go("3")
        await panel.press("enter")
        await panel.sees("page 1 of 20")
        body = panel.app.screen.query_one("#body")
        assert len([child for child in body.children if child.region.width]) == panes


async def test_a_terminal_that_changes_its_size_keeps_the_row(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("3")
        await panel.press("G")
        held = panel.table.current_id
        for size in [*SIZES[1:], (60, 12), (80, 24)]:
            await panel.pilot.resize_terminal(*size)
            await panel.pilot.pause()
            assert panel.table.current_id == held
            top, height = panel.table.scroll_offset.y, panel.table.size.height - 1
            assert top <= panel.table.cursor < top + height


async def test_preview_tells_of_the_row_under_the_cursor(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        await panel.sees("Failed, by class")
        await panel.go("2")
        await panel.press("j")
        await panel.sees("Last heard")
        await panel.go("4")
        await panel.sees("SHA-256")
        await panel.go("3")
        await panel.press("f")
        await panel.sees("Why it failed")


async def test_the_mouse_moves_the_cursor_and_opens(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.go("3")
        await panel.pilot.click("#table", offset=(5, 4))
        assert panel.table.cursor == 3
        await panel.pilot.click("#table", offset=(5, 4))
        await panel.sees("page 4 of 20")
        await panel.press("escape")
        await panel.pilot.click("#place", offset=(15, 0))
        await panel.sees("8 jobs")
