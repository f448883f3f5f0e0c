"""Words after the fact hide nothing that is needed."""

from __future__ import annotations

from bocr_tui.ui.screens.command_line import CommandLine
from tests.ui.campaign import Campaign
from tests.ui.conftest import opened

ROWS = slice(3, None)
"""Below the two lines of every screen and the list's titles."""


async def test_a_message_leaves_every_row_of_a_small_terminal_free(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (80, 24)) as panel:
        await panel.go("pages")
        before = panel.lines[ROWS]
        panel.app.tell("Refused: it is read already; name an engine to read it again.", "warning")
        await panel.sees("name an engine to read it again.")
        assert panel.lines[ROWS] == before


async def test_the_newest_message_stands_alone(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace, (80, 24)) as panel:
        before = panel.lines[ROWS]
        panel.app.tell("The first word.", "error")
        await panel.sees("The first word.")
        panel.app.tell("The second word.")
        await panel.sees("The second word.")
        assert "The first word." not in panel.text
        assert panel.lines[ROWS] == before


async def test_a_message_does_not_hide_what_waits_to_be_sent_nor_the_command_line(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace, (80, 24)) as panel:
        await panel.go("pages")
        panel.app.screen_stack[-1].tell_outbox("Resubmit 1 page in 3 s")  # type: ignore[attr-defined]
        panel.app.tell("There is no engine of this name. " * 4, "error")
        await panel.sees("There is no engine of this name.")
        assert "Resubmit 1 page in 3 s" in panel.lines[23]
        await panel.press("colon")
        await panel.until(lambda: isinstance(panel.app.screen, CommandLine))
        await panel.press(*"sort")
        await panel.until(lambda: "There is no engine of this name." in panel.text)
        assert panel.lines[22].startswith(" :sort")
