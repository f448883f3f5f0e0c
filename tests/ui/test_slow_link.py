"""A slow link, and a panel that asks over it all the time: no key waits for an answer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bocr_tui.config.workspace import Workspace
from tests.sites.cut_proxy import CutProxy
from tests.sites.sshd import Sshd
from tests.ui.conftest import Panel, opened
from tests.ui.planned_page import planned_page

ROUND_TRIP_S = 1.0
"""Five times a far cluster's: a key that waits for one answer is told from a busy machine."""

KEYS = (
    *("4", "j", "k", "G", "g", "f", "f", "space", "space", "slash", "escape", "enter", "m", "escape"),
    *("1", "2", "3", "j", "k", "5", "6", "7", "8", "question_mark", "escape", "colon", "escape", "2"),
)
"""Through every place, with what one does there without asking for anything far away."""

LEAST_ROUNDS, MOST_ROUNDS = 2, 8
ANSWERED_BYTES = 500
"""More than one answer: the site is asked while keys are pressed."""


@pytest.fixture
def far(sshd: Sshd, cut_proxy: CutProxy, tmp_path: Path) -> Workspace:
    """A planned page that takes seconds to read, on a site that is asked ten times a second."""
    return planned_page(tmp_path, f"{sshd.home}/site", reads_s=12, every_s=0.1, port=cut_proxy.port)


async def taken_s(panel: Panel, key: str) -> float:
    """Until the key is dealt with and the screen is drawn."""
    began = time.monotonic()
    await panel.pilot.press(key)
    return time.monotonic() - began


@pytest.mark.slow
async def test_no_key_waits_for_the_network(far: Workspace, cut_proxy: CutProxy) -> None:
    async with opened(far, (120, 40), drive=True) as panel:
        await panel.press("s")
        await panel.agree()
        await panel.go("jobs")
        await panel.until(lambda: panel.table.row_count and panel.table.current.state == "running")
        cut_proxy.delay_s = ROUND_TRIP_S / 2
        before = cut_proxy.bytes_down
        quickest = dict.fromkeys(enumerate(KEYS), float("inf"))
        rounds = 0
        slow = quickest
        while (
            rounds < LEAST_ROUNDS
            or cut_proxy.bytes_down < before + ANSWERED_BYTES
            or (slow and rounds < MOST_ROUNDS)  # what waits for the link does so every time
        ):
            for at, key in enumerate(KEYS):
                quickest[at, key] = min(quickest[at, key], await taken_s(panel, key))
            rounds += 1
            slow = {each: seconds for each, seconds in quickest.items() if seconds >= ROUND_TRIP_S}
        assert slow == {}
        assert panel.app.sight.sites[0].link == "connected"
