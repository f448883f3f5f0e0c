"""The driver and a PBS that runs jobs, on one machine: what happens to a chain in a scheduler's hands."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from bocr_tui.control.driver import Driver
from bocr_tui.control.orders import submit_batches
from bocr_tui.control.requests import request
from bocr_tui.sites import site
from tests.control.campaigns import Campaign, make_campaign
from tests.papers import make_pdf
from tests.pbs_double import Double

SITE = """
site = "cluster"
[sites.cluster]
scheduler = "pbs"
pbs_exec = "{pbs_exec}"
python = "{python}"
poll_s = 0.1
look_s = 0.2
[sites.cluster.pbs]
select = "1:ncpus=1"
walltime = "00:{minutes:02}:00"
"""


@pytest.fixture
def pbs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Double]:
    patience = site.Patience(report_s=1.0, ended_s=1.0, unknown_s=3.0, unknown_apart_s=1.0)
    monkeypatch.setattr(site, "PBS_PATIENCE", patience)
    with Double.start(tmp_path / "pbs", slots=4) as double:
        yield double


def campaign_on(pbs: Double, folder: Path, *stages: str, minutes: int = 30, more: str = "") -> Campaign:
    """A campaign whose stages are noop with these options."""
    tables = ", ".join(f'{{ engine = "noop", options = {{ {options} }} }}' for options in stages)
    place = SITE.format(pbs_exec=pbs.pbs_exec, python=sys.executable, minutes=minutes)
    return make_campaign(folder, f"pipeline = [{tables}]\n{textwrap.dedent(place)}{more}")


def order(campaign: Campaign, folder: Path, pages: int = 4) -> None:
    batch = campaign.add(make_pdf(folder / "a.pdf", pages), pages)
    submit_batches(campaign.catalog, campaign.config, [batch])


async def drive_while(campaign: Campaign, act: Callable[[], Awaitable[None]]) -> None:
    """Drive to the end, and do something meanwhile."""
    driver = Driver(campaign.workspace, campaign.catalog)
    driving = asyncio.create_task(driver.run(until_idle=True, stop=asyncio.Event()))
    try:
        await act()
        await asyncio.wait_for(driving, 60)
    finally:
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.05)


def running(campaign: Campaign) -> bool:
    return campaign.scalar("SELECT count(*) FROM page WHERE state = 'running'") > 0


def stages(campaign: Campaign) -> list[tuple[object, ...]]:
    return campaign.rows("SELECT round, stage, state, cause FROM job ORDER BY id")


def test_stages_run_one_after_the_other_with_nobody_there(pbs: Double, tmp_path: Path) -> None:
    campaign = campaign_on(pbs, tmp_path, 'answer = "empty"', 'answer = "text"')
    order(campaign, tmp_path)

    async def submit_and_leave() -> None:
        stop = asyncio.Event()
        driving = asyncio.create_task(
            Driver(campaign.workspace, campaign.catalog).run(until_idle=True, stop=stop)
        )
        await until(lambda: campaign.scalar("SELECT count(*) FROM job WHERE freed_at IS NOT NULL") == 1)
        stop.set()
        await driving

    asyncio.run(submit_and_leave())
    for job in pbs.jobs():
        pbs.wait(job.id)
    assert campaign.states() == {"queued": 4}, "nobody looked yet"
    campaign.drive()
    assert campaign.states() == {"ok": 4}
    assert stages(campaign) == [(1, 0, "finished", "ok"), (1, 1, "finished", "ok")]
    campaign.check_books()


def test_a_job_whose_time_is_up_goes_on_where_it_stopped(pbs: Double, tmp_path: Path) -> None:
    campaign = campaign_on(pbs, tmp_path, 'answer = "text", sleep_s = 1.7', minutes=1)
    order(campaign, tmp_path, pages=4)
    pbs.faults(clock=12)  # so that a job has five seconds
    campaign.drive(120)
    assert campaign.states() == {"ok": 4}
    causes = [row[3] for row in stages(campaign)]
    assert causes[0] == "walltime" and causes[-1] == "ok"
    assert campaign.rows("SELECT DISTINCT exit_status FROM job WHERE cause = 'walltime'") == [(-29,)]
    campaign.check_books()


def test_a_job_deleted_by_somebody_else_is_left_alone(pbs: Double, tmp_path: Path) -> None:
    campaign = campaign_on(pbs, tmp_path, 'answer = "text", sleep_s = 1', 'answer = "text"')
    order(campaign, tmp_path, pages=8)

    async def delete() -> None:
        await until(lambda: running(campaign))
        pbs.run("qdel", next(job.id for job in pbs.jobs() if job.state == "R"))

    asyncio.run(drive_while(campaign, delete))
    assert stages(campaign)[0] == (1, 0, "finished", "deleted")
    assert stages(campaign)[1][2] in ("cancelled", "finished")
    assert len(stages(campaign)) == 2, "nothing was submitted in its place"
    assert set(campaign.states()) <= {"planned", "ok"}
    campaign.check_books()


def test_a_cancelled_job_stops_in_order_and_takes_its_dependents_with_it(pbs: Double, tmp_path: Path) -> None:
    campaign = campaign_on(pbs, tmp_path, 'answer = "text", sleep_s = 0.5', 'answer = "text"')
    order(campaign, tmp_path, pages=8)

    async def cancel() -> None:
        await until(lambda: running(campaign))
        request(campaign.catalog, "cancel", [1])

    asyncio.run(drive_while(campaign, cancel))
    assert [row[2] for row in stages(campaign)] == ["cancelled", "cancelled"]
    assert {job.state for job in pbs.jobs()} == {"F"}
    assert campaign.states().get("planned", 0) > 0
    campaign.check_books()


def test_a_held_job_waits_until_it_is_released(pbs: Double, tmp_path: Path) -> None:
    campaign = campaign_on(pbs, tmp_path, 'answer = "text"')
    pbs.run("qsub", "-N", "other", "-l", "select=1:ncpus=4", "--", "/bin/sleep", "600")
    order(campaign, tmp_path)

    async def hold_and_release() -> None:
        await until(lambda: stages(campaign)[0][2] == "queued")
        request(campaign.catalog, "hold", [1])
        await until(lambda: stages(campaign)[0][2] == "held")
        pbs.run("qdel", "1")
        request(campaign.catalog, "release", [1])

    asyncio.run(drive_while(campaign, hold_and_release))
    assert campaign.states() == {"ok": 4}


def test_a_node_that_is_lost_costs_no_page_and_doubles_none(pbs: Double, tmp_path: Path) -> None:
    campaign = campaign_on(pbs, tmp_path, 'answer = "text", sleep_s = 0.4')
    order(campaign, tmp_path, pages=6)

    async def lose() -> None:
        await until(lambda: running(campaign))
        pbs.requeue(pbs.jobs()[0].id, after=0.2)

    asyncio.run(drive_while(campaign, lose))
    assert campaign.states() == {"ok": 6}
    campaign.check_books()


def test_pages_are_drawn_ahead_by_a_job_of_their_own(pbs: Double, tmp_path: Path) -> None:
    more = "[sites.cluster.split]\ndpi = 144\npbs = { select = '1:ncpus=2' }\n"
    campaign = campaign_on(pbs, tmp_path, 'answer = "text"', more=more)
    order(campaign, tmp_path)
    campaign.drive()
    assert campaign.states() == {"ok": 4}
    assert [row[1:] for row in stages(campaign)] == [(0, "finished", "ok"), (1, "finished", "ok")]
    assert len(list((campaign.workspace.root / "site" / "split").rglob("*.*"))) >= 4
    assert campaign.rows("SELECT DISTINCT attempts FROM page") == [(1,)]
    campaign.check_books()


def test_no_more_jobs_are_queued_than_the_site_wants(pbs: Double, tmp_path: Path) -> None:
    campaign = campaign_on(pbs, tmp_path, 'answer = "text"')
    config = campaign.workspace.config_path.read_text().replace("poll_s", "max_queued = 2\npoll_s")
    campaign.workspace.config_path.write_text(config)
    campaign = Campaign(type(campaign.workspace)(campaign.workspace.root), campaign.catalog)
    for number in range(5):
        batch = campaign.add(make_pdf(tmp_path / f"{number}.pdf", 1, first=number + 1), 1)
        submit_batches(campaign.catalog, campaign.config, [batch])
    most = 0

    def count(event: object) -> None:
        nonlocal most
        most = max(most, sum(1 for job in pbs.jobs() if job.state != "F"))

    campaign.drive(on_event=count)
    assert campaign.states() == {"ok": 5}
    assert most <= 2
