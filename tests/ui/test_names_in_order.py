"""Names written from the right, wherever a panel shows them, on a terminal that draws what it is sent."""

from __future__ import annotations

import pytest

from bocr_tui.ui.bidi import in_one_line
from bocr_tui.ui.safe_text import width_of
from bocr_tui.ui.terminal_facts import TerminalFacts
from bocr_tui.ui.widgets.facts import Facts, Heading, Labelled
from bocr_tui.ui.widgets.tones import toned_text
from bocr_tui.ui.widgets.top_line import PlaceLine
from tests.ui.campaign import Campaign
from tests.ui.conftest import opened

NAME = "نظام-الإحصاء.pdf"


@pytest.mark.parametrize("reorders", [True, False])
async def test_a_name_is_as_it_is_seen_in_lines_and_panes(shared_campaign: Campaign, reorders: bool) -> None:
    async with opened(shared_campaign.workspace, (120, 40)) as panel:
        panel.app.terminal_facts = TerminalFacts(reorders_text=reorders)
        pane = panel.app.screen.query_one("#preview", Facts)
        line = next(iter(panel.app.screen.query(PlaceLine)))
        line.show(((NAME, "plain"),))
        seen = in_one_line(NAME).rstrip() if reorders else NAME
        assert (seen == NAME) is not reorders
        assert seen in line.render().plain
        assert seen in str(Heading(NAME).draw(pane))
        fact = Labelled([("Name", NAME, "plain")]).draw(pane)
        assert seen in [str(cell).rstrip() for cell in fact.columns[1].cells]
        assert toned_text(pane, (NAME, "plain"), width=3).plain == NAME, "what wraps is left as it is read"


def test_a_line_keeps_its_width() -> None:
    assert width_of(in_one_line("لا.pdf")) == width_of("لا.pdf")
