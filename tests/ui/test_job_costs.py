"""What a job's page says of the time that starting, waiting and restarts took."""

from __future__ import annotations

from typing import Any

from bocr_tui.ui.telling_vitals import about_vitals
from bocr_tui.ui.widgets.facts import Labelled


def said(record: dict[str, Any]) -> dict[str, str]:
    labelled = [paragraph for paragraph in about_vitals(record, None) if isinstance(paragraph, Labelled)]
    return {label: text for paragraph in labelled for label, text, _ in paragraph.facts}


def test_a_job_that_cost_time_says_how_much() -> None:
    facts = said(
        {
            "first_page_s": 61.4,
            "engine_idle_s": 70.0,
            "idle_gpu_s": 140.0,
            "restart_lost_s": 30.2,
            "server": {"restarts": 2.0, "lost_s": 95.0},
        }
    )
    assert facts == {
        "First page": "after 1 m 01 s",
        "Idle": "1 m 10 s without a page, 2 m 20 s of GPU time",
        "Server": "2 restarts, 1 m 35 s lost",
        "Started again": "after it was killed; 30 s lost",
    }


def test_a_job_that_cost_nothing_says_nothing_of_it() -> None:
    assert set(said({"pages_per_s": 1.0, "server": {"restarts": 0.0, "lost_s": 0.0, "running": 3.0}})) == {
        "Pace",
        "Server",
    }
