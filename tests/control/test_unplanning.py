"""A plan can be taken back until something of it is submitted, whoever submits at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bocr_tui.control import autopilot as autopilots
from bocr_tui.control import orders, unplanning
from bocr_tui.control.autopilot import Autopilot, autopilot_state, set_autopilot
from bocr_tui.control.events import ControlEvent
from bocr_tui.control.orders import NoSuchBatch, ignore_pages, reset_pages, submit_batches
from bocr_tui.control.requests import request
from bocr_tui.control.unplanning import unplan
from bocr_tui.planning.planner import plan
from tests.control.campaigns import Campaign, make_campaign
from tests.control.test_driver import noop
from tests.planning.archive import add_document

PAGE_COLUMNS = (
    "SELECT id, state, failure, engine, attempts, batch_id, accepted_attempt_id, by_person FROM page"
)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """Four documents of five new pages."""
    made = make_campaign(tmp_path, noop('answer = "text"'))
    for number in range(4):
        add_document(made.catalog, f"{number}.pdf", 5)
    return made


def planned(campaign: Campaign) -> tuple[int, ...]:
    """Four batches of five pages."""
    return plan(campaign.catalog, campaign.config, pages=5).batch_ids


def check(campaign: Campaign) -> None:
    """Every page is new and in no batch, or of one batch; what is submitted is held by one chain."""
    assert campaign.scalar("SELECT count(*) FROM page") == 20
    assert campaign.scalar("SELECT count(*) FROM page WHERE (state = 'new') != (batch_id IS NULL)") == 0
    held = "SELECT count(*) FROM reservation r JOIN page p ON p.id = r.page_id WHERE r.released_at IS NULL"
    assert campaign.scalar(f"{held} AND p.batch_id IS NULL") == 0
    submitted = "SELECT count(*) FROM page p JOIN batch b ON b.id = p.batch_id WHERE b.state = 'submitted'"
    assert campaign.scalar(held) == campaign.scalar(submitted)
    assert campaign.scalar("SELECT count(*) FROM pragma_foreign_key_check") == 0


def test_pages_are_again_what_they_were_before_the_plan_and_no_name_or_id_is_given_twice(
    campaign: Campaign,
) -> None:
    before = campaign.rows(PAGE_COLUMNS)
    ids = planned(campaign)
    done = unplan(campaign.catalog, ids)
    assert (done.batches, done.pages, done.refused) == (4, 20, ())
    assert campaign.rows(PAGE_COLUMNS) == before
    assert campaign.rows("SELECT * FROM batch") == []
    text = "Taken apart: batches b0001, b0002, b0003 and 1 more; 20 pages are new again"
    assert campaign.rows("SELECT text FROM event WHERE kind = 'unplan'") == [(text,)]
    again = plan(campaign.catalog, campaign.config, pages=5)
    assert [(batch.batch_id, batch.name) for batch in again.batches] == [
        (number, f"b{number:04d}") for number in range(5, 9)
    ]
    unplan(campaign.catalog, again.batch_ids[-1:])
    assert plan(campaign.catalog, campaign.config).batches[0].name == "b0009"


def test_many_batches_are_many_transactions_and_one_event(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unplanning, "BATCHES_A_TRANSACTION", 1)
    ids = planned(campaign)
    assert unplan(campaign.catalog, ids).pages == 20
    (event,) = campaign.rows("SELECT text FROM event WHERE kind = 'unplan'")
    assert "and 1 more; 20 pages" in str(event)
    check(campaign)


def test_stopped_it_leaves_whole_batches(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unplanning, "BATCHES_A_TRANSACTION", 1)
    ids, stop, told = planned(campaign), threading.Event(), []

    def progress(done: int, total: int, text: str) -> None:
        told.append((done, total))
        if done == 1:
            stop.set()

    assert unplan(campaign.catalog, ids, progress=progress, stop=stop).batches == 2
    assert told == [(0, 4), (1, 4), (2, 4)]
    assert campaign.states() == {"new": 10, "planned": 10}
    check(campaign)


def test_a_dry_run_changes_nothing(campaign: Campaign) -> None:
    ids = planned(campaign)
    told = unplan(campaign.catalog, ids, dry_run=True)
    assert (told.batches, told.pages) == (4, 20)
    assert campaign.states() == {"planned": 20}
    assert campaign.rows("SELECT text FROM event WHERE kind = 'unplan'") == []


def test_what_a_person_settled_stays_settled(campaign: Campaign) -> None:
    ids = planned(campaign)
    ignore_pages(campaign.catalog, [1])
    assert unplan(campaign.catalog, ids).pages == 19
    assert campaign.states() == {"ignored": 1, "new": 19}
    reset_pages(campaign.catalog, [1])
    assert campaign.states() == {"new": 20}
    check(campaign)


def test_what_was_ever_submitted_is_refused_and_says_what_to_do(campaign: Campaign) -> None:
    first, second, third, fourth = planned(campaign)
    sent = submit_batches(campaign.catalog, campaign.config, [first, second])
    request(campaign.catalog, "cancel", sent.jobs[1:])
    refused = dict(unplan(campaign.catalog, [first, second, 99]).refused)
    assert "`bocr cancel`" in refused[first] and "`bocr cancel`" in refused[second]
    assert refused[99] == "there is no such batch any more"
    campaign.drive()
    assert campaign.rows(f"SELECT state FROM batch WHERE id = {second}") == [("planned",)]
    assert "submitted before" in dict(unplan(campaign.catalog, [second]).refused)[second]
    set_autopilot(campaign.catalog, True)
    assert "`bocr autopilot --stop`" in dict(unplan(campaign.catalog, [third]).refused)[third]
    set_autopilot(campaign.catalog, False)
    assert unplan(campaign.catalog, [first, third, fourth]).batches == 2
    campaign.check_books()


def beside(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_an_order_that_comes_in_the_midst_of_a_submission_is_refused(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch, *_) = planned(campaign)
    threads, answers, order = [], [], orders._order

    def ordering(*arguments):  # type: ignore[no-untyped-def]
        asked = threading.Event()

        def take_apart() -> None:
            asked.set()
            answers.append(unplan(campaign.catalog, [batch]))

        threads.append(beside(take_apart))
        asked.wait()
        threads[-1].join(0.2)
        assert not answers, "the write lock holds it up"
        return order(*arguments)

    monkeypatch.setattr(orders, "_order", ordering)
    assert submit_batches(campaign.catalog, campaign.config, [batch]).pages == 5
    threads[0].join()
    assert (answers[0].batches, len(answers[0].refused)) == (0, 1)
    check(campaign)


def test_a_submission_that_comes_in_the_midst_of_an_order_sends_nothing(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch, *_) = planned(campaign)
    threads, answers, take_apart = [], [], unplanning._take_apart

    def taking(*arguments):  # type: ignore[no-untyped-def]
        checked, there = threading.Event(), orders._check_there

        def check_there(*given):  # type: ignore[no-untyped-def]
            there(*given)
            checked.set()

        monkeypatch.setattr(orders, "_check_there", check_there)

        def submit() -> None:
            answers.append(submit_batches(campaign.catalog, campaign.config, [batch]))

        threads.append(beside(submit))
        checked.wait()
        assert not answers
        take_apart(*arguments)

    monkeypatch.setattr(unplanning, "_take_apart", taking)
    assert unplan(campaign.catalog, [batch]).pages == 5
    threads[0].join()
    assert (answers[0].pages, answers[0].chains) == (0, ())
    assert campaign.scalar("SELECT count(*) FROM job") == 0
    check(campaign)
    with pytest.raises(NoSuchBatch):
        submit_batches(campaign.catalog, campaign.config, [batch])


def test_whoever_is_first_each_batch_is_submitted_or_taken_apart_and_no_page_is_lost(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unplanning, "BATCHES_A_TRANSACTION", 1)
    ids = planned(campaign)
    start = threading.Barrier(2)

    def submit() -> None:
        start.wait()
        for batch in ids:
            with suppress(NoSuchBatch):
                submit_batches(campaign.catalog, campaign.config, [batch])

    thread = beside(submit)
    start.wait()
    done = unplan(campaign.catalog, ids[::-1])
    thread.join()
    submitted = campaign.scalar("SELECT count(*) FROM batch WHERE state = 'submitted'")
    assert submitted + done.batches == 4
    assert submitted == len(done.refused)
    check(campaign)


def test_a_batch_that_is_gone_when_the_autopilot_comes_to_it_does_not_stop_it_with_a_fault(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, *_) = planned(campaign)
    told: list[ControlEvent] = []
    submit = submit_batches

    def late(catalog, config, batch_ids):  # type: ignore[no-untyped-def]
        set_autopilot(catalog, False)
        assert unplan(catalog, [first]).batches == 1
        return submit(catalog, config, batch_ids)

    monkeypatch.setattr(autopilots, "submit_batches", late)
    set_autopilot(campaign.catalog, True)
    pilot = Autopilot(campaign.catalog, campaign.config, told.append)
    pilot.think()
    assert not pilot.think()
    assert told == []
    with campaign.catalog.reading() as connection:
        assert (autopilot_state(connection).on, autopilot_state(connection).reason) == (False, "")
    check(campaign)
