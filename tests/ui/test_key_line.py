"""The line of keys: each can be clicked, none is cut, and what does nothing now is dim."""

from __future__ import annotations

from bocr_tui.ui.screens.help import Help
from bocr_tui.ui.widgets.key_line import KeyLine
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened


async def line_of_keys(panel: Panel) -> KeyLine:
    line = panel.app.screen.query_one(KeyLine)
    await panel.until(line.fitting)
    return line


async def test_a_click_presses_the_key_that_is_drawn_there(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        line = await line_of_keys(panel)
        columns = {}
        for column in range(line.size.width):
            if (key := line.key_at(column)) is not None:
                columns.setdefault(key.pressed, column)
        drawn = panel.lines[-1]
        for key in line.keys:
            assert drawn[columns[key.pressed] :].startswith(f" {key.key} {key.description} ")
        help_key = next(key for key in line.keys if key.pressed == "question_mark")
        await panel.pilot.click(KeyLine, offset=(columns[help_key.pressed] + 1, 0))
        await panel.until(lambda: isinstance(panel.app.screen, Help))


async def test_keys_without_room_are_left_out_whole(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (40, 12)) as panel:
        line = await line_of_keys(panel)
        fitting = line.fitting()
        assert len(fitting) < len(line.keys)
        words = "".join(f" {key.key} {key.description} " for key in fitting)
        assert panel.lines[-1].rstrip() == words.rstrip()
        assert line.key_at(39) is None or sum(key.width for key in fitting) == 40


async def test_a_key_tells_about_itself_under_the_mouse(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        line = await line_of_keys(panel)
        await panel.pilot.hover(KeyLine, offset=(1, 0))
        await panel.until(lambda: line.tooltip == line.keys[0].tooltip)


async def test_help_is_there_however_narrow_the_terminal(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (40, 12)) as panel:
        await line_of_keys(panel)
        await panel.sees("? Help")
