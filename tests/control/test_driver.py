"""From an order to its end on this machine: real jobs, worker and catalog; the engine reads nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from bocr_tui.catalog.database import open_catalog
from bocr_tui.config.errors import Busy, UsageError
from bocr_tui.control.driver import Driver
from bocr_tui.control.events import ChainEnded, DriverState, JobMoved, PagesMoved, Trouble
from bocr_tui.control.lease import DriverLease
from bocr_tui.control.orders import (
    ignore_pages,
    refusals,
    reset_pages,
    resubmit_pages,
    submit_batches,
)
from bocr_tui.control.requests import request
from tests.control.campaigns import Campaign, driver_command, make_campaign
from tests.papers import make_pdf

NOOP = """
pipeline = ["noop"]
"""


def noop(*stages: str, extra: str = "") -> str:
    """A pipeline of noop stages with these options."""
    tables = ", ".join(f'{{ engine = "noop", options = {{ {options} }} }}' for options in stages)
    return f"pipeline = [{tables}]\n{extra}"


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return make_campaign(tmp_path, NOOP)


def test_an_order_is_driven_to_its_end(campaign: Campaign, tmp_path: Path) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 5), 5)
    submitted = submit_batches(campaign.catalog, campaign.config, [batch])
    assert (len(submitted.chains), submitted.pages) == (1, 5)
    told = campaign.drive()
    assert campaign.states() == {"ok": 5}
    assert len(set(campaign.texts().values())) == 5
    assert campaign.rows("SELECT state, cause FROM job") == [("finished", "ok")]
    assert campaign.rows("SELECT state FROM batch") == [("done",)]
    assert campaign.rows("SELECT state FROM chain") == [("done",)]
    assert any(isinstance(event, PagesMoved) for event in told)
    assert ChainEnded(1, ok=5, gave_up=0, failed=0) in told
    campaign.check_books()


def test_what_one_stage_leaves_the_next_takes(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "empty"', 'answer = "text"'))
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 3), 3)
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    assert campaign.states() == {"ok": 3}
    assert campaign.rows("SELECT stage, ok, failed FROM job ORDER BY id") == [(0, 0, 3), (1, 3, 0)]
    assert campaign.rows("SELECT DISTINCT attempts FROM page") == [(2,)]
    campaign.check_books()


def test_a_stage_is_not_started_when_nothing_failed(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text"', 'answer = "empty"'))
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    assert campaign.rows("SELECT stage FROM job") == [(0,)]


def test_spent_tries_end_as_gave_up_and_there_is_a_way_back(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "empty"'))
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    assert campaign.states() == {"gave_up": 2}
    tries = campaign.scalar("SELECT max(attempts) FROM page")
    assert 1 <= tries <= 6
    assert campaign.rows("SELECT state FROM batch") == [("done",)]
    assert reset_pages(campaign.catalog, [1]) == 1
    assert campaign.states() == {"failed": 1, "gave_up": 1}
    campaign.workspace.config_path.write_text(NOOP)
    again = Campaign(type(campaign.workspace)(campaign.workspace.root), campaign.catalog)
    assert resubmit_pages(again.catalog, again.config, [1, 2]).pages == 2
    again.drive()
    assert again.states() == {"ok": 2}
    assert again.scalar("SELECT max(attempts) FROM page") == tries + 1
    again.check_books()


def test_a_page_cannot_be_ordered_twice(campaign: Campaign, tmp_path: Path) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [batch])
    with campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE page SET state = 'failed' WHERE id = 1")
    refused = resubmit_pages(campaign.catalog, campaign.config, [1, 2, 77]).refused
    assert {page for page, _ in refused} == {1, 2, 77}
    assert dict(refused)[1] == "it is with a live job"


def test_a_page_that_is_read_is_read_again_only_by_a_named_engine_and_keeps_its_text(
    campaign: Campaign, tmp_path: Path
) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 1), 1)
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    before = campaign.texts()
    assert resubmit_pages(campaign.catalog, campaign.config, [1]).pages == 0
    assert resubmit_pages(campaign.catalog, campaign.config, [1], engine="noop").pages == 1
    campaign.drive()
    assert campaign.states() == {"ok": 1}
    assert campaign.texts() == before
    assert campaign.scalar("SELECT attempts FROM page") == 2


def test_a_page_whose_new_reading_failed_is_again_what_it_was(campaign: Campaign, tmp_path: Path) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 1), 1)
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    figures = "SELECT state, failure, engine, confidence, score, accepted_attempt_id FROM page"
    before = campaign.rows(figures)
    empty = '[engines.noop]\noptions = { answer = "empty" }\n'
    campaign.workspace.config_path.write_text(f"{NOOP}{empty}")
    again = Campaign(type(campaign.workspace)(campaign.workspace.root), campaign.catalog)
    assert resubmit_pages(again.catalog, again.config, [1], engine="noop").pages == 1
    again.drive()
    outcomes = [outcome for (outcome,) in again.rows("SELECT outcome FROM attempt ORDER BY id")]
    assert outcomes[0] == "ok" and set(outcomes[1:]) == {"failed"}
    assert again.rows(figures) == before


def test_unknown_engines_sites_and_batches_are_refused_with_words(campaign: Campaign) -> None:
    with pytest.raises(UsageError, match="no batch 9"):
        submit_batches(campaign.catalog, campaign.config, [9])
    with pytest.raises(UsageError, match="no-such"):
        resubmit_pages(campaign.catalog, campaign.config, [1], engine="no-such")
    with pytest.raises(UsageError, match="mars"):
        resubmit_pages(campaign.catalog, campaign.config, [1], site="mars")


def test_a_job_can_be_cancelled_and_its_pages_ordered_again(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text", sleep_s = 0.2'))
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 40), 40)
    (job,) = submit_batches(campaign.catalog, campaign.config, [batch]).jobs

    async def cancel_soon(told: list[object]) -> None:
        driver = Driver(campaign.workspace, campaign.catalog, on_event=told.append)
        driving = asyncio.create_task(driver.run(until_idle=True, stop=asyncio.Event()))
        while campaign.scalar("SELECT count(*) FROM page WHERE state = 'ok'") < 2:
            await asyncio.sleep(0.05)
        assert request(campaign.catalog, "cancel", [job]) == 1
        await asyncio.wait_for(driving, 30)

    asyncio.run(cancel_soon([]))
    states = campaign.states()
    assert states["ok"] >= 2
    assert states["planned"] == 40 - states["ok"]
    assert campaign.rows("SELECT state FROM job") == [("cancelled",)]
    assert campaign.rows("SELECT state FROM batch") == [("planned",)]
    assert request(campaign.catalog, "cancel", [job]) == 0
    campaign.check_books()
    with campaign.catalog.reading() as connection:
        (token,) = connection.exec_driver_sql("SELECT token FROM job").one()
    assert not _processes_of(token)
    again = submit_batches(campaign.catalog, campaign.config, [batch])
    assert again.pages == states["planned"]


def test_a_catalog_that_is_locked_for_long_delays_the_driver_and_no_more(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [batch])
    monkeypatch.setattr("bocr_tui.catalog.database.BUSY_TIMEOUT_S", 0.1)
    impatient = Campaign(campaign.workspace, open_catalog(campaign.workspace.catalog_path))
    blocker = sqlite3.connect(campaign.workspace.catalog_path, isolation_level=None)
    told: list[object] = []

    async def run() -> None:
        driver = Driver(impatient.workspace, impatient.catalog, on_event=told.append)
        driving = asyncio.create_task(driver.run(until_idle=True, stop=asyncio.Event()))
        while not any(isinstance(event, DriverState) for event in told):
            await asyncio.sleep(0.01)
        blocker.execute("BEGIN IMMEDIATE")
        while not any(isinstance(event, Trouble) for event in told):
            await asyncio.sleep(0.05)
        blocker.execute("ROLLBACK")
        await asyncio.wait_for(driving, 60)

    asyncio.run(run())
    assert "locked" in next(event.text for event in told if isinstance(event, Trouble))
    assert campaign.states() == {"ok": 2}
    campaign.check_books()


def test_an_ignored_page_is_left_out(campaign: Campaign, tmp_path: Path) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 3), 3)
    assert ignore_pages(campaign.catalog, [2]) == 1
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    assert campaign.states() == {"ok": 2, "ignored": 1}


def test_an_ignored_page_comes_back_as_what_it_was(campaign: Campaign, tmp_path: Path) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    unread = campaign.add(make_pdf(tmp_path / "b.pdf", 1, first=9), 1)
    before = campaign.texts()
    ignore_pages(campaign.catalog, [1, 2, 3])
    assert campaign.states() == {"ignored": 3}
    assert reset_pages(campaign.catalog, [1, 2, 3]) == 3
    assert campaign.states() == {"ok": 2, "planned": 1}
    assert campaign.texts() == before
    assert submit_batches(campaign.catalog, campaign.config, [unread]).pages == 1


def test_what_would_be_refused_is_known_without_trying(campaign: Campaign, tmp_path: Path) -> None:
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [batch])
    campaign.drive()
    assert dict(refusals(campaign.catalog, [1, 77], with_engine=False)) == {
        1: "it is read already; name an engine to read it again",
        77: "there is no such page",
    }
    assert refusals(campaign.catalog, [1], with_engine=True) == []


def test_a_second_driver_is_told_who_drives(campaign: Campaign) -> None:
    lease = DriverLease(campaign.catalog)
    lease.take()
    with pytest.raises(Busy, match="drives this workspace"):
        campaign.drive()
    lease.give_back()
    campaign.drive()


def test_an_engine_that_cannot_run_hands_its_pages_to_the_next_stage(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text", refuse = true', 'answer = "text"'))
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 2), 2)
    submit_batches(campaign.catalog, campaign.config, [batch])
    told = campaign.drive()
    assert campaign.states() == {"ok": 2}
    ended = [event for event in told if isinstance(event, JobMoved) and event.state == "finished"]
    assert [event.cause for event in ended] == ["error", "ok"]


def test_a_killed_worker_is_followed_by_a_try_that_does_only_what_is_left(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text", sleep_s = 0.05'))
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 40), 40)
    submit_batches(campaign.catalog, campaign.config, [batch])

    async def kill_once() -> None:
        driver = Driver(campaign.workspace, campaign.catalog)
        driving = asyncio.create_task(driver.run(until_idle=True, stop=asyncio.Event()))
        while campaign.scalar("SELECT count(*) FROM page WHERE state = 'ok'") < 3:
            await asyncio.sleep(0.05)
        (token,) = campaign.rows("SELECT token FROM job")[0]
        for pid in _processes_of(str(token)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(driving, 60)

    asyncio.run(kill_once())
    assert campaign.states() == {"ok": 40}
    tries = campaign.rows("SELECT try_number, state, cause FROM job ORDER BY id")
    assert tries == [(1, "finished", "error"), (2, "finished", "ok")]
    campaign.check_books()


def test_strange_things_in_a_run_folder_neither_stop_the_driver_nor_count(tmp_path: Path) -> None:
    """A pipe, a link, copies under other names, a cut mirror, and megabytes of zeros in a live journal."""
    campaign = make_campaign(tmp_path, noop('answer = "text", sleep_s = 0.1'))
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 30), 30)
    submit_batches(campaign.catalog, campaign.config, [batch])

    async def disturb() -> None:
        driver = Driver(campaign.workspace, campaign.catalog)
        driving = asyncio.create_task(driver.run(until_idle=True, stop=asyncio.Event()))
        while campaign.scalar("SELECT count(*) FROM page WHERE state = 'ok'") < 5:
            await asyncio.sleep(0.05)
        (token,) = campaign.rows("SELECT token FROM job")[0]
        run = campaign.workspace.root / "site" / "runs" / str(token)
        (journal,) = run.glob("journal-*.jsonl")
        os.mkfifo(run / f"journal-{'a' * 16}.jsonl")
        (run / f"journal-{'b' * 16}.jsonl").symlink_to("/etc/hostname")
        (run / f"journal-{'c' * 16}.jsonl").write_bytes(journal.read_bytes())
        (run / "results-copy.jsonl").write_bytes(b"x")
        for mirrored in (campaign.workspace.results / str(token)).iterdir():
            mirrored.unlink()
        with journal.open("ab") as stream:
            stream.write(b"\0" * 5_000_000)
        await asyncio.wait_for(driving, 60)

    asyncio.run(disturb())
    assert campaign.states() == {"ok": 30}
    assert len(campaign.texts()) == 30
    assert campaign.scalar("SELECT count(*) FROM attempt") == 30
    campaign.check_books()


def test_the_driver_killed_at_fifty_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The panel's process is killed with its threads and connections as they are; jobs go on without it."""
    campaign = make_campaign(
        tmp_path, noop('answer = "text", sleep_s = 0.01', extra="[sites.local]\nslots = 2\n")
    )
    command, environment = driver_command(campaign.workspace)
    choice = random.Random(19120909)
    pages = documents = 0
    for _ in range(50):
        while campaign.scalar("SELECT count(*) FROM chain WHERE state = 'live'") < 3:
            paper = make_pdf(tmp_path / f"d{documents}.pdf", 12, first=pages)
            submit_batches(campaign.catalog, campaign.config, [campaign.add(paper, 12)])
            documents, pages = documents + 1, pages + 12
        driver = subprocess.Popen(command, env=environment, start_new_session=True)
        time.sleep(choice.uniform(0.3, 1.2))
        assert driver.poll() is None, "there was work left, and yet the driver ended"
        driver.kill()
        driver.wait()
    campaign.drive(timeout_s=240)
    assert campaign.states() == {"ok": pages}
    assert campaign.scalar("SELECT count(*) FROM attempt") == pages
    assert len(campaign.texts()) == pages
    campaign.check_books()


def _processes_of(token: str) -> list[int]:
    """Processes of a job: those whose working folder is its run folder."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                if f"/runs/{token}" in str((folder / "cwd").readlink()):
                    found.append(int(folder.name))
    return found
