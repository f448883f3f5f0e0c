"""Jobs killed at random moments, the same ones each time; `make chaos-worker` goes on to a hundred kills."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.chaos.worker_kills import run_trial

pytest.importorskip("aiohttp")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize("seed", [2, 11])
def test_whatever_is_killed_no_page_is_lost_or_doubled_and_nothing_is_left_over(
    tmp_path: Path, seed: int
) -> None:
    trial = run_trial(tmp_path, seed)
    assert trial.notes == []
    assert trial.kills
