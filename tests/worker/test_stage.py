"""A whole job in its own process: done, stopped, killed, started again."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import PageOrder, Variation
from tests.papers import make_pdf
from tests.worker.runs import (
    TOKEN,
    exit_report,
    make_run,
    noop_manifest,
    order_of,
    page_events,
    result_of,
    run_worker,
    start_worker,
    verdicts,
    wait_for,
)


def test_every_page_of_a_job_gets_its_verdict_and_its_result(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 6)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 6)))
    assert run_worker(run) == 0
    report = exit_report(run)
    assert (report.outcome, report.ok, report.failed, report.left) == ("ok", 6, 0, 0)
    found = verdicts(run)
    assert len(found) == 6
    texts = {result_of(run, events[0]).recognition.text for events in found.values()}
    assert len(texts) == 6, "each page has its own text"
    (end,) = report.journals
    assert (run / end.file).stat().st_size == end.bytes
    assert not list(run.glob("lease"))


def test_a_run_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 2)))
    run_worker(run)
    before = page_events(run)
    assert run_worker(run) == 0
    assert page_events(run) == before
    assert "ended already" in next(run.glob("duplicate-*.txt")).read_text()


def test_a_file_that_was_exchanged_is_not_read_in_the_old_ones_name(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    order = order_of(paper, 2)
    make_pdf(paper, 2, first=50)
    run = make_run(tmp_path, noop_manifest(order))
    run_worker(run)
    assert exit_report(run).failed == 2
    assert {e.failure for e in page_events(run)} == {FailureClass.RENDER}
    assert "not the one that was imported" in str(page_events(run)[0].evidence)


def test_a_file_exchanged_while_it_is_read_never_gives_its_text_to_the_old_one(tmp_path: Path) -> None:
    pages = 40
    paper = make_pdf(tmp_path / "a.pdf", pages)
    clean = make_run(tmp_path / "clean", noop_manifest(order_of(paper, pages)))
    run_worker(clean)
    truth = {key[1]: result_of(clean, events[0]).recognition.text for key, events in verdicts(clean).items()}
    run = make_run(tmp_path, noop_manifest(order_of(paper, pages), sleep_s=0.05, runtime="local"))
    worker = start_worker(run)
    _wait_for_pages(run, 3)
    make_pdf(tmp_path / "other.pdf", pages, first=500).replace(paper)
    assert worker.wait(60) == 0
    found = verdicts(run)
    assert len(found) == pages
    for (_, number), (event,) in found.items():
        if event.status == "ok":
            assert result_of(run, event).recognition.text == truth[number]
        else:
            assert "not the one that was imported" in str(event.evidence)
    assert exit_report(run).failed > 0


def test_a_file_touched_but_not_changed_is_read(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    order = order_of(paper, 1)
    os.utime(paper, (1, 1))
    run = make_run(tmp_path, noop_manifest(order))
    run_worker(run)
    assert exit_report(run).ok == 1


def test_a_missing_file_and_a_missing_page_fail_alone(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    gone = replace(order_of(paper, 1), path=str(tmp_path / "gone.pdf"), sha256="b" * 64)
    beyond = replace(order_of(paper, 2), pages=(PageOrder(1), PageOrder(99)))
    run = make_run(tmp_path, noop_manifest(gone, beyond))
    run_worker(run)
    report = exit_report(run)
    assert (report.outcome, report.ok, report.failed) == ("ok", 1, 2)


def test_a_stage_takes_what_the_one_before_left_and_changes_something(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 4)
    first = make_run(tmp_path, noop_manifest(order_of(paper, 4), answer="empty"))
    run_worker(first)
    assert exit_report(first).failed == 4
    second = replace(
        noop_manifest(order_of(paper, 4)),
        token="bsecond123",
        stage=1,
        earlier=(TOKEN,),
        ladder={FailureClass.EMPTY: (Variation("fine", dpi=100),)},
    )
    run = make_run(tmp_path, second)
    run_worker(run)
    assert exit_report(run).ok == 4
    assert {event.variation for event in page_events(run)} == {"fine"}


def test_what_only_a_distrusted_journal_says_is_done_again(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    first = make_run(tmp_path, noop_manifest(order_of(paper, 2)))
    run_worker(first)
    (journal,) = first.glob("journal-*.jsonl")
    again = replace(noop_manifest(order_of(paper, 2)), token="bsecond123", resume=(TOKEN,))
    believing = make_run(tmp_path, again)
    run_worker(believing)
    assert exit_report(believing).skipped == 2
    doubting = replace(again, token="bthird1234", distrusted=(f"{TOKEN}/{journal.name}",))
    run = make_run(tmp_path, doubting)
    run_worker(run)
    assert exit_report(run).ok == 2


def test_the_ladder_ends(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    rungs = (Variation("plain"), Variation("fine", dpi=100), Variation("again", dpi=100))
    manifest = replace(noop_manifest(order_of(paper, 1), answer="empty"), ladder={FailureClass.EMPTY: rungs})
    run = make_run(tmp_path, manifest)
    run_worker(run)
    ended = [event for event in page_events(run) if event.status == "failed"]
    assert [(event.variation, event.last) for event in ended] == [("plain", False), ("fine", True)]


def test_a_rung_that_changes_nothing_on_the_page_is_left_out_with_its_reason(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    columns = Variation("columns", preparations=("deskew", "columns"))
    rungs = (Variation("plain"), columns, Variation("fine", dpi=100))
    manifest = replace(noop_manifest(order_of(paper, 1), answer="empty"), ladder={FailureClass.EMPTY: rungs})
    run = make_run(tmp_path, manifest)
    run_worker(run)
    events = page_events(run)
    assert [event.variation for event in events if event.status == "started"] == ["plain", "fine"]
    ended = [event for event in events if event.status == "failed"]
    assert [(event.variation, event.failure, event.last) for event in ended] == [
        ("plain", FailureClass.EMPTY, False),
        ("columns", FailureClass.EMPTY, False),
        ("fine", FailureClass.EMPTY, True),
    ]
    assert "nothing on this page is changed by deskew, columns," in ended[1].evidence["cause"]
    assert exit_report(run).failed == 1


def test_a_rung_that_changes_nothing_is_played_where_the_page_was_not_read_without(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    columns = Variation("columns", preparations=("deskew", "columns"))
    manifest = noop_manifest(order_of(paper, 1), answer="empty")
    order = replace(manifest.documents[0], pages=(PageOrder(1, failure=FailureClass.EMPTY),))
    run = make_run(tmp_path, replace(manifest, documents=(order,), ladder={FailureClass.EMPTY: (columns,)}))
    run_worker(run)
    assert [event.status for event in page_events(run)] == ["started", "failed"]


def test_a_stage_with_nothing_to_do_ends_before_it_loads_an_engine(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    run_worker(make_run(tmp_path, noop_manifest(order_of(paper, 2))))
    manifest = replace(noop_manifest(order_of(paper, 2)), token="bsecond123", stage=1, earlier=(TOKEN,))
    unknown = replace(manifest, engine=replace(manifest.engine, name="no-such-engine"))
    run = make_run(tmp_path, unknown)
    assert run_worker(run) == 0
    assert exit_report(run).outcome == "ok"


def test_an_engine_that_does_not_exist_is_an_error_with_words(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    manifest = noop_manifest(order_of(paper, 1))
    run = make_run(tmp_path, replace(manifest, engine=replace(manifest.engine, name="no-such-engine")))
    assert run_worker(run) == 1
    report = exit_report(run)
    assert report.outcome == "error"
    assert "no-such-engine" in report.cause
    assert report.left == 1


def test_an_option_that_a_library_does_not_take_is_refused_before_a_page_is_read(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    manifest = noop_manifest(order_of(paper, 1))
    asked = replace(manifest.engine, name="tesseract", runtime="local", options={"psn": 6})
    run = make_run(tmp_path, replace(manifest, engine=asked))
    assert run_worker(run) == 1
    assert "the option 'psn' is unknown. Did you mean 'psm'?" in exit_report(run).cause
    assert page_events(run) == []


def test_a_language_the_engine_cannot_read_is_known_without_asking_it(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    order = replace(order_of(paper, 2), language="ar", language_binding=True)
    manifest = noop_manifest(order)
    run = make_run(
        tmp_path, replace(manifest, engine=replace(manifest.engine, name="rapidocr", runtime="local"))
    )
    run_worker(run)
    assert {event.failure for event in page_events(run)} == {FailureClass.CHARSET}


@pytest.mark.parametrize("how", ["sigterm", "stop file"])
def test_a_job_that_is_asked_to_stop_ends_as_partial_within_five_seconds(tmp_path: Path, how: str) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 60)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 60), sleep_s=0.1, runtime="local"))
    worker = start_worker(run)
    _wait_for_pages(run, 3)
    asked = time.monotonic()
    if how == "sigterm":
        os.killpg(worker.pid, signal.SIGTERM)
    else:
        (run / "stop").touch()
    assert worker.wait(20) == 4
    assert time.monotonic() - asked < 5
    report = exit_report(run)
    assert report.outcome == "partial"
    assert report.ok + report.left == 60
    assert len(verdicts(run)) == report.ok
    (run / "stop").unlink(missing_ok=True)
    assert start_worker(run).wait(60) == 0
    assert exit_report(run).left == 0
    assert all(len(events) == 1 for events in verdicts(run).values())


def test_a_stop_in_the_middle_of_a_long_page_does_not_wait_for_it(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 3)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 3), sleep_s=60.0, runtime="local"))
    worker = start_worker(run)
    wait_for(lambda: any(event.status == "started" for event in page_events(run)))
    asked = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 4
    assert time.monotonic() - asked < 5


def test_sigkill_at_fifty_random_moments_loses_no_page_and_does_none_twice(tmp_path: Path) -> None:
    pages = 500
    paper = make_pdf(tmp_path / "a.pdf", pages)
    run = make_run(tmp_path, noop_manifest(order_of(paper, pages), sleep_s=0.01))
    choice = random.Random(20240725)
    kills = 0
    while kills < 50:
        worker = start_worker(run)
        time.sleep(choice.uniform(0.05, 0.55))
        if worker.poll() is not None:
            break
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        kills += 1
    assert kills == 50, "the job was done before it was killed often enough"
    assert run_worker(run) == 0
    found = verdicts(run)
    assert len(found) == pages
    assert all(len(events) == 1 for events in found.values()), "a page was done twice"
    for events in found.values():
        assert result_of(run, events[0]).page == events[0].page
    report = exit_report(run)
    assert (report.outcome, report.left) == ("ok", 0)
    assert report.ok + report.skipped == pages


def _wait_for_pages(run: Path, count: int) -> None:
    wait_for(lambda: len(verdicts(run)) >= count)
