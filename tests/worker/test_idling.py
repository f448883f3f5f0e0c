"""What a job knows of the time in which its engine had nothing to read."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_worker import idling
from bocr_worker.idling import Idling
from bocr_worker.protocol.heartbeat import read_heartbeat
from bocr_worker.protocol.manifest import DocumentOrder, Manifest, PageOrder
from bocr_worker.work import pages_to_do, skipped_pages
from tests.papers import make_pdf
from tests.worker.runs import exit_report, make_run, noop_manifest, order_of, records, start_worker, wait_for


class Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(idling, "time", made)
    return made


def test_it_counts_from_the_start_and_whenever_no_page_is_read(clock: Clock) -> None:
    idle = Idling()
    clock.now += 10
    idle.reading(1)
    idle.reading(2)
    clock.now += 5
    idle.page_was_read()
    idle.reading(0)
    clock.now += 3
    assert idle.facts({}) == {"first_page_s": 15.0, "engine_idle_s": 13.0}


def test_a_runtime_knows_better_how_long_its_servers_were_idle(clock: Clock) -> None:
    idle = Idling()
    clock.now += 4
    idle.engine_starts()
    clock.now += 20
    idle.reading(1)
    clock.now += 6
    told = {"idle_s": 23.5, "start_s": 20.0, "restarts": 0, "lost_s": 0.0, "servers": 2}
    assert idle.facts(told) == {"start_s": 20.0, "restarts": 0, "lost_s": 0.0, "engine_idle_s": 27.5}


def test_the_first_page_is_told_once() -> None:
    times: list[int] = []
    idle = Idling(lambda: times.append(1))
    idle.page_was_read()
    idle.page_was_read()
    assert times == [1]


def test_a_page_that_got_no_answer_is_no_first_page(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 1), runtime="local", die=True))
    assert start_worker(run).wait(60) == 0
    assert exit_report(run).failed == 1 and "first_page_s" not in exit_report(run).extra
    assert "first_page" not in [record["phase"] for record in records(run, "stage")]


def killed_at_its_first_page(tmp_path: Path) -> tuple[Path, Manifest]:
    """The run folder of a worker on three pages, and what it was told."""
    paper = make_pdf(tmp_path / "a.pdf", 3)
    manifest = noop_manifest(order_of(paper, 3), runtime="local", sleep_s=0.3)
    run = make_run(tmp_path, manifest)
    worker = start_worker(run)
    wait_for(lambda: records(run, "page"))
    worker.kill()
    worker.wait()
    return run, manifest


def test_a_start_after_a_kill_says_what_was_lost(tmp_path: Path) -> None:
    run, _ = killed_at_its_first_page(tmp_path)
    assert start_worker(run).wait(60) == 0
    told = exit_report(run).extra
    assert told["restart_lost_s"] > 0
    assert read_heartbeat(records(run, "heartbeat")[-1]).restart_lost_s == told["restart_lost_s"]
    assert told["engine_idle_s"] <= exit_report(run).seconds + 0.1


def test_a_job_that_takes_over_from_a_dead_one_says_what_was_lost(tmp_path: Path) -> None:
    run, manifest = killed_at_its_first_page(tmp_path)
    (journal,) = run.glob("journal-*.jsonl")
    os.utime(journal, (time.time() - 1000, time.time() - 1000))  # a queue between the two
    heir = make_run(tmp_path, replace(manifest, token="bheir12345", resume=(manifest.token,)))
    assert start_worker(heir).wait(60) == 0
    told = exit_report(heir).extra
    assert 1000 <= told["restart_lost_s"] < 1060
    beats = [read_heartbeat(record).restart_lost_s for record in records(heir, "heartbeat")]
    assert beats[-1] == told["restart_lost_s"]
    more = noop_manifest(order_of(make_pdf(tmp_path / "b.pdf", 1), 1))
    third = make_run(tmp_path, replace(more, token="bthird1234", resume=(manifest.token, heir.name)))
    assert start_worker(third).wait(60) == 0
    told = exit_report(third).extra
    assert "first_page_s" in told and "restart_lost_s" not in told, "the try before it ended of itself"


def test_the_longest_documents_come_first() -> None:
    lengths = {"a": 2, "b": 5, "c": 1, "d": 5}
    orders = [
        DocumentOrder(name * 64, f"{name}.pdf", "pdf", name, 1, tuple(PageOrder(n + 1) for n in range(count)))
        for name, count in lengths.items()
    ]
    manifest = noop_manifest(*orders)
    order = [(page.document.name, page.number) for page in pages_to_do(manifest, {})]
    assert [name for name, number in order if number == 1] == ["b", "d", "a", "c"]
    assert order[:5] == [("b", number) for number in range(1, 6)]
    assert skipped_pages(manifest, {}) == 0
