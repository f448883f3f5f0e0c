"""What the keys on a job do: its log, hold and release, requeue, settle; and why it waits."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import select, update

from bocr_tui.catalog import core
from bocr_tui.control.pipeline import build_pipeline
from bocr_tui.ui.screens.settle import SettleScreen
from tests.ui.campaign import Campaign
from tests.ui.conftest import Panel, opened
from tests.ui.far_sites import add_sites, set_job


@pytest.fixture
def far(campaign: Campaign) -> Campaign:
    add_sites(campaign)
    return campaign


async def on_job(panel: Panel, job_id: int) -> None:
    await panel.go("jobs")
    assert panel.table.go_to(job_id)
    await panel.until(lambda: panel.table.current is not None and panel.table.current.id == job_id)


def asked(campaign: Campaign) -> list[tuple[str, int]]:
    request = core.request.c
    with campaign.catalog.reading() as connection:
        rows = connection.execute(select(request.kind, request.payload).order_by(request.id)).all()
    return [(kind, payload["job"]) for kind, payload in rows]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_a_queued_job_says_why_it_waits(far: Campaign, size: tuple[int, int]) -> None:
    words = "Not Running: Insufficient amount of resource: ngpus"
    set_job(far, 8, state="queued", reason=words)
    async with opened(far.workspace, size) as panel:
        await on_job(panel, 8)
        await panel.sees("Not Running: Insufficient")


async def test_a_job_that_was_killed_says_by_what(far: Campaign) -> None:
    set_job(far, 6, cause="walltime", reason="PBS: job killed: walltime 3605 exceeded limit 3600")
    async with opened(far.workspace) as panel:
        await on_job(panel, 6)
        await panel.sees("! walltime")
        await panel.sees("walltime 3605 exceeded")
        await panel.press("k")
        await panel.until(lambda: "3605" not in panel.text)


async def test_a_job_is_held_released_and_requeued_by_requests(far: Campaign) -> None:
    set_job(far, 8, state="queued")
    async with opened(far.workspace) as panel:
        await on_job(panel, 8)
        await panel.press("H")
        await panel.until(lambda: "Only jobs that are held can be released." in panel.toasts)
        await panel.press("h")
        await panel.until(lambda: asked(far) == [("hold", 8)])
        set_job(far, 8, state="held")
        await panel.until(lambda: panel.table.current.state == "held")
        await panel.press("H")
        await panel.until(lambda: ("release", 8) in asked(far))
        await panel.press("r")
        await panel.agree()
        await panel.until(lambda: ("requeue", 8) in asked(far))


async def test_an_unclear_job_is_settled_by_its_id(far: Campaign) -> None:
    set_job(far, 7, state="ambiguous", scheduler_id=None, started_at=None, reason="The link was cut")
    async with opened(far.workspace) as panel:
        await on_job(panel, 7)
        await panel.press("s")
        await panel.until(
            lambda: isinstance(panel.app.screen, SettleScreen) and panel.app.focused is not None
        )
        assert "The link was cut." in panel.text
        await panel.press("j", "j", "enter", *"rm -rf", "enter")
        await panel.until(lambda: any("is no job id" in toast for toast in panel.toasts))
        await panel.press("s")
        await panel.until(
            lambda: isinstance(panel.app.screen, SettleScreen) and panel.app.focused is not None
        )
        await panel.press("j", "j", "enter", *"4711.pbs", "enter")
        await panel.until(lambda: panel.table.current.scheduler_id == "4711.pbs")
        assert panel.table.current.state in ("submitted", "queued", "held")


async def test_an_unclear_job_that_never_ran_is_over_and_escape_settles_nothing(far: Campaign) -> None:
    set_job(far, 7, state="ambiguous", scheduler_id=None, started_at=None)
    pipeline = build_pipeline(far.workspace.config, site="local").dump()
    with far.catalog.writing() as connection:
        connection.execute(update(core.chain).values(pipeline=pipeline))
    async with opened(far.workspace) as panel:
        await on_job(panel, 7)
        for keys in (("escape",), ("j", "enter")):
            assert panel.table.current.state == "ambiguous"
            await panel.press("s")
            await panel.until(
                lambda: isinstance(panel.app.screen, SettleScreen) and panel.app.focused is not None
            )
            await panel.press(*keys)
            await panel.until(lambda: not isinstance(panel.app.screen, SettleScreen))
        await panel.until(lambda: panel.table.current.state == "lost")


async def test_a_job_that_is_clear_has_nothing_to_settle(far: Campaign) -> None:
    set_job(far, 8, state="queued", submitted_at=time.time())
    async with opened(far.workspace) as panel:
        await on_job(panel, 8)
        await panel.press("s")
        await panel.until(lambda: any("unclear" in toast for toast in panel.toasts))


async def test_a_running_job_says_how_it_fares_whatever_its_heartbeat_holds(far: Campaign) -> None:
    beat = {
        "pages_per_s": 0.5,
        "completion_tokens_per_s": 2100.4,
        "prompt_tokens_per_s": 9000.0,
        "in_flight": 32,
        "rendered_waiting": 64,
        "server": {"running": 30, "waiting": 2, "\x1b[2J": 7},
        "gpus": 1,
        "gpu_percent": 91.3,
        "gpu_memory_used_mb": 61_200,
        "gpu_memory_total_mb": 80_000,
        "job_memory_mb": "a lot",
    }
    set_job(far, 7, heartbeat=beat, heartbeat_at=time.time() - 100)
    async with opened(far.workspace, (120, 40)) as panel:
        await on_job(panel, 7)
        await panel.sees("Last heartbeat, 1 m 4")
        for words in ("30.0 pages a minute", "2,100 out, 9,000 in", "30 running, 2 waiting", "91 % busy"):
            assert words in panel.text
        assert "61.2 GB of 80.0 GB" in panel.text and "a lot" not in panel.text
