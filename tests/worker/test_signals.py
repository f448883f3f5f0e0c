"""How a job ends that is told to: every process of it gets SIGTERM at once, SIGKILL ten seconds later."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bocr_worker.claim import Claim
from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.protocol.manifest import Limits, Variation
from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.stage import Counts, Job, Stage
from bocr_worker.stopping import JobStops, StopSign
from bocr_worker.vitals import processes_below
from tests.papers import make_pdf
from tests.worker.runs import (
    FAST,
    TOKEN,
    exit_report,
    make_run,
    noop_manifest,
    order_of,
    page_events,
    records,
    start_worker,
    verdicts,
    wait_for,
)

WELL_WITHIN_S = 6.0
"""Of the ten seconds between the two signals, on a busy machine."""

PAGES = 12


def slow_run(root: Path, **options: object) -> Path:
    paper = make_pdf(root / "a.pdf", PAGES)
    manifest = noop_manifest(order_of(paper, PAGES), runtime="local", **options)
    return make_run(root, replace(manifest, limits=replace(FAST, engine_deaths=1)))


def is_reading(run: Path) -> bool:
    return any(event.status == "started" for event in page_events(run))


def assert_ended_in_order(run: Path, worker: subprocess.Popen[bytes], asked_at: float) -> None:
    """Partial, in time, nothing blamed on a page, nothing left running."""
    assert worker.wait(30) == 4
    assert time.monotonic() - asked_at < WELL_WITHIN_S
    report = exit_report(run)
    assert (report.outcome, report.failed) == ("partial", 0)
    assert report.ok + report.left == PAGES
    assert not [event for event in page_events(run) if event.status == "failed"]
    assert len(verdicts(run)) == report.ok
    assert not (run / "lease").exists()


@pytest.mark.parametrize("mortal", [False, True], ids=["engines ignore it", "engines die of it"])
def test_a_signal_to_every_process_of_the_job_fails_no_page(tmp_path: Path, mortal: bool) -> None:
    run = slow_run(tmp_path, sleep_s=60.0, mortal=mortal)
    worker = start_worker(run, cores=2)
    wait_for(lambda: is_reading(run))
    asked_at = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM)
    assert_ended_in_order(run, worker, asked_at)


def test_engines_that_die_of_the_signal_before_the_worker_sees_it_fail_no_page(tmp_path: Path) -> None:
    run = slow_run(tmp_path, sleep_s=60.0, mortal=True)
    worker = start_worker(run, cores=2)
    wait_for(lambda: is_reading(run))
    asked_at = time.monotonic()
    kill_children(worker, signal.SIGTERM)
    time.sleep(0.2)
    worker.send_signal(signal.SIGTERM)
    assert_ended_in_order(run, worker, asked_at)


def test_an_engine_that_dies_by_itself_is_still_charged_to_its_page(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 1), runtime="local", die=True))
    assert start_worker(run).wait(60) == 0
    (failed,) = [event for event in page_events(run) if event.status == "failed"]
    assert failed.evidence["engine_deaths"] == 2


def test_renderers_that_are_killed_with_the_job_fail_no_page(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", PAGES)
    manifest = noop_manifest(order_of(paper, PAGES))
    run = make_run(tmp_path, replace(manifest, first=(Variation(dpi=1000),)))
    worker = start_worker(run)
    wait_for(lambda: verdicts(run))
    asked_at = time.monotonic()
    kill_children(worker, signal.SIGKILL)
    time.sleep(0.2)
    worker.send_signal(signal.SIGTERM)
    assert_ended_in_order(run, worker, asked_at)


def kill_children(worker: subprocess.Popen[bytes], number: signal.Signals) -> None:
    children = [process.pid for process in processes_below(worker.pid) if process.pid != worker.pid]
    assert children
    for pid in children:
        os.kill(pid, number)


@pytest.mark.parametrize("how", ["sigterm", "stop file"])
def test_an_engine_that_takes_for_ever_to_load_does_not_hold_up_the_end(tmp_path: Path, how: str) -> None:
    run = slow_run(tmp_path, load="hang")
    worker = start_worker(run)
    wait_for(lambda: any(stage["phase"] == "loading" for stage in records(run, "stage")))
    asked_at = time.monotonic()
    if how == "sigterm":
        os.killpg(worker.pid, signal.SIGTERM)
    else:
        (run / "stop").touch()
    assert_ended_in_order(run, worker, asked_at)
    assert exit_report(run).left == PAGES


def test_a_large_file_being_compared_with_its_hash_does_not_hold_up_the_end(tmp_path: Path) -> None:
    large = tmp_path / "a.pdf"
    with large.open("wb") as stream:
        stream.truncate(30 * 1024**3)
    order = replace(order_of(make_pdf(tmp_path / "b.pdf", PAGES), PAGES), path=str(large))
    run = make_run(tmp_path, noop_manifest(order))
    worker = start_worker(run)
    wait_for(lambda: any(stage["phase"] == "feeding" for stage in records(run, "stage")))
    asked_at = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM)
    assert_ended_in_order(run, worker, asked_at)


def test_a_job_that_waits_for_an_earlier_try_ends_at_once(tmp_path: Path) -> None:
    earlier = tmp_path / "runs" / TOKEN
    earlier.mkdir(parents=True)
    Claim.take(earlier, "test.0", 60.0)
    paper = make_pdf(tmp_path / "a.pdf", PAGES)
    limits = replace(FAST, lease_s=60.0)
    manifest = replace(noop_manifest(order_of(paper, PAGES)), token="bsecond123", limits=limits)
    run = make_run(tmp_path, replace(manifest, resume=(TOKEN,)))
    worker = start_worker(run)
    wait_for((earlier / "stop").exists)
    asked_at = time.monotonic()
    os.killpg(worker.pid, signal.SIGTERM)
    assert_ended_in_order(run, worker, asked_at)
    assert exit_report(run).left == PAGES


def test_a_signal_in_a_childs_first_moments_does_not_kill_it(tmp_path: Path) -> None:
    """Before it could say that it ignores signals."""
    from bocr_worker.children import Child, ChildSpec

    async def start_under_fire() -> list[Any]:
        children = [Child(ChildSpec("os.path:basename")) for _ in range(4)]
        starting = [asyncio.create_task(child.start()) for child in children]
        while not all(task.done() for task in starting):
            for child in children:
                if child.pid is not None:
                    os.kill(child.pid, signal.SIGTERM)
                    os.kill(child.pid, signal.SIGINT)
            await asyncio.sleep(0.001)
        await asyncio.gather(*starting)
        answers = [await child.run("a/b", 10.0) for child in children]
        await asyncio.gather(*(child.kill() for child in children))
        return answers

    assert asyncio.run(start_under_fire()) == ["b"] * 4
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


# -- what a stage makes of it ------------------------------------------------------------------------------


class Broken:
    """A kind of work that cannot go on."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def run(self) -> None:
        raise self.error

    def counts(self) -> Counts:
        return Counts()

    def close(self) -> None:
        pass


class Quiet:
    """Stands for a claim and a journal: nothing is looked at here but the report."""

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **facts: None


async def outcome_of(tmp_path: Path, error: Exception, signal_after_s: float | None) -> tuple[str, str]:
    sign = StopSign()
    manifest = replace(noop_manifest(order_of(make_pdf(tmp_path / "a.pdf", 1), 1)), limits=Limits())
    job = Job(tmp_path, manifest, cast(Claim, Quiet()), 1, cast(Any, Quiet()), sign)
    if signal_after_s is not None:
        asyncio.get_running_loop().call_later(signal_after_s, sign.give, "ended by a signal")
    outcome, cause = await Stage(job, Broken(error))._outcome()
    return outcome, cause


@pytest.mark.parametrize("error", [RuntimeBroken("it broke"), EngineUnavailable("noop", "gone", "Wait.")])
async def test_an_engine_that_breaks_while_the_job_ends_is_no_broken_engine(
    tmp_path: Path, error: Exception
) -> None:
    assert await outcome_of(tmp_path, error, 0.1) == ("partial", "ended by a signal")
    assert (await outcome_of(tmp_path, error, None))[0] == "error"


async def test_work_that_is_not_waited_for_any_more_is_cancelled() -> None:
    sign = StopSign()
    ended = asyncio.Event()

    async def for_ever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    asyncio.get_running_loop().call_later(0.05, sign.give, "enough")
    with pytest.raises(JobStops):
        await sign.unless_given(for_ever())
    assert ended.is_set()
    assert sign.reason == "enough"


async def test_the_first_reason_to_stop_is_kept_and_late_listeners_hear_of_it() -> None:
    sign = StopSign()
    sign.give("one")
    sign.give("two")
    heard = []
    sign.on_given(lambda: heard.append(sign.reason))
    assert heard == ["one"]
    assert await sign.comes_within(0.0)
