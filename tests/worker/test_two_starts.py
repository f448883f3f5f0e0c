"""A scheduler starts a job again while its old processes still live: no page gets two verdicts."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_worker.claim import holder_number
from bocr_worker.protocol.events import OK
from tests.papers import make_pdf
from tests.worker.runs import (
    FAST,
    TOKEN,
    exit_report,
    make_run,
    noop_manifest,
    order_of,
    page_events,
    result_of,
    start_worker,
    verdicts,
    wait_for,
)

PAGES = 30
SHORT = replace(FAST, lease_s=1.0, heartbeat_s=0.2)


def short_lease_run(root: Path, token: str = TOKEN, **changes: object) -> Path:
    paper = root / "a.pdf"
    if not paper.exists():
        make_pdf(paper, PAGES)
    manifest = noop_manifest(order_of(paper, PAGES), runtime="local", sleep_s=0.1)
    return make_run(root, replace(manifest, token=token, limits=SHORT, **changes))  # type: ignore[arg-type]


@contextmanager
def asleep(worker: subprocess.Popen[bytes]) -> Iterator[None]:
    """Every process of the job stands still, as on a machine that is cut off."""
    os.killpg(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(worker.pid, signal.SIGCONT)


def assert_each_page_read_once(*runs: Path) -> None:
    readings = Counter(key for run in runs for key, events in verdicts(run).items() for _ in events)
    assert len(readings) == PAGES
    assert set(readings.values()) == {1}


@pytest.mark.parametrize("wakes", ["after the second is done", "while the second reads"])
def test_a_first_start_that_wakes_up_after_it_was_followed_writes_no_verdict(
    tmp_path: Path, wakes: str
) -> None:
    run = short_lease_run(tmp_path)
    first = start_worker(run, cores=2)
    wait_for(lambda: len(verdicts(run)) >= 3)
    with asleep(first):
        second = start_worker(run, cores=2)
        wait_for(lambda: holder_number(run) == 2)
        before = len(verdicts(run))
        wait_for(lambda: len(verdicts(run)) >= before + 3)
        if wakes == "after the second is done":
            assert second.wait(60) == 0
    assert first.wait(30) == 0
    assert second.wait(60) == 0
    assert_each_page_read_once(run)
    report = exit_report(run)
    assert (report.outcome, report.left, report.ok + report.skipped) == ("ok", 0, PAGES)
    assert not (run / "lease").exists()
    assert "another start" in next(run.glob("duplicate-*.txt")).read_text()


def test_a_first_start_that_wakes_up_before_anybody_followed_goes_on(tmp_path: Path) -> None:
    run = short_lease_run(tmp_path)
    first = start_worker(run, cores=2)
    wait_for(lambda: len(verdicts(run)) >= 3)
    with asleep(first):
        time.sleep(2 * SHORT.lease_s)
    assert first.wait(60) == 0
    assert_each_page_read_once(run)


def test_another_job_for_a_run_that_is_worked_on_changes_nothing(tmp_path: Path) -> None:
    run = short_lease_run(tmp_path)
    first = start_worker(run, job="1.server")
    wait_for(lambda: verdicts(run))
    assert start_worker(run, job="2.server").wait(30) == 0
    assert not (run / "exit.json").exists()
    assert first.wait(60) == 0
    assert_each_page_read_once(run)
    assert exit_report(run).ok == PAGES


def test_the_same_job_started_twice_at_once_is_done_once(tmp_path: Path) -> None:
    """As a server does that is started anew in a job's first seconds."""
    run = short_lease_run(tmp_path)
    both = [start_worker(run), start_worker(run)]
    assert [worker.wait(60) for worker in both] == [0, 0]
    assert_each_page_read_once(run)
    assert exit_report(run).ok == PAGES


def test_a_second_start_takes_over_when_the_first_ones_processes_die(tmp_path: Path) -> None:
    run = short_lease_run(tmp_path)
    first = start_worker(run)
    wait_for(lambda: verdicts(run))
    second = start_worker(run)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert second.wait(60) == 0
    assert_each_page_read_once(run)


def test_a_new_try_ends_the_lost_one_that_still_lives_before_it_reads(tmp_path: Path) -> None:
    lost = short_lease_run(tmp_path)
    old = start_worker(lost, job="1.server")
    wait_for(lambda: len(verdicts(lost)) >= 3)
    run = short_lease_run(tmp_path, "bsecond123", resume=(TOKEN,))
    assert start_worker(run, job="2.server").wait(60) == 0
    assert old.wait(30) == 4
    assert_each_page_read_once(lost, run)
    assert exit_report(run).skipped == len(verdicts(lost))


def test_a_lost_try_that_is_started_late_finds_that_it_is_to_stop(tmp_path: Path) -> None:
    lost = short_lease_run(tmp_path)
    run = short_lease_run(tmp_path, "bsecond123", resume=(TOKEN,))
    assert start_worker(run, job="2.server").wait(60) == 0
    assert start_worker(lost, job="1.server").wait(60) == 4
    assert_each_page_read_once(lost, run)


def test_starts_that_sleep_wake_and_die_at_random_read_each_page_once(tmp_path: Path) -> None:
    choice = random.Random(20250611)
    run = short_lease_run(tmp_path)
    workers: list[subprocess.Popen[bytes]] = []
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        living = [worker for worker in workers if worker.poll() is None]
        if len(living) < 3:
            workers.append(start_worker(run))
            continue
        worker = choice.choice(living)
        os.killpg(worker.pid, choice.choice([signal.SIGSTOP, signal.SIGSTOP, signal.SIGKILL]))
        time.sleep(choice.uniform(0.0, 0.8))
        for other in choice.sample(living, 2):
            if other.poll() is None:
                os.killpg(other.pid, signal.SIGCONT)
    for worker in workers:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGCONT)
    assert len(workers) > 3
    for worker in workers:
        worker.wait(60)
    start_worker(run).wait(60)
    assert_each_page_read_once(run)
    assert exit_report(run).outcome == "ok"
    for event in page_events(run):
        if event.status == OK:
            assert result_of(run, event).page == event.page
