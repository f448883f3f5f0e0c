"""How a campaign is doing: counted from attempts, heartbeats and events, and never made up."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from bocr_tui.catalog import core
from bocr_tui.catalog.happenings import Event, events_of
from bocr_tui.catalog.lists import Reader, open_reader
from bocr_tui.catalog.pace import _BUCKETS, jobs_lately, pace_of
from bocr_tui.report.happenings import TOGETHER_S, grouped
from bocr_tui.report.health import FRESH_S, health_of, health_record, pace_words
from tests.ui.campaign import Campaign, build

NOW = time.time()


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    made = build(tmp_path / "w")
    yield made
    made.catalog.close()


@pytest.fixture
def reader(campaign: Campaign) -> Iterator[Reader]:
    found = open_reader(campaign.workspace.catalog_path)
    yield found
    found.close()


def beat(campaign: Campaign, job_id: int, age_s: float, **said: Any) -> None:
    with campaign.catalog.writing() as connection:
        job = core.job
        columns = {"state": "running", "heartbeat": said, "heartbeat_at": NOW - age_s, "ended_at": None}
        connection.execute(update(job).where(job.c.id == job_id).values(**columns))


def at(campaign: Campaign, *ages_s: float, **columns: Any) -> None:
    """The attempts that there are, at these ages; the others long ago."""
    with campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE attempt SET at = 0")
        ids = [row[0] for row in connection.exec_driver_sql("SELECT id FROM attempt WHERE outcome = 'ok'")]
        for attempt_id, age_s in zip(ids, ages_s, strict=False):
            attempt = core.attempt
            connection.execute(
                update(attempt).where(attempt.c.id == attempt_id).values(at=NOW - age_s, **columns)
            )


def words(reader: Reader) -> tuple[str, bool]:
    return pace_words(health_of(reader, NOW, 3600.0, 60), lambda seconds: f"{seconds:.0f} s")


def test_a_first_page_that_is_being_read_is_told_apart_from_nothing_that_moves(
    campaign: Campaign, reader: Reader
) -> None:
    at(campaign, 5000)
    with campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET state = 'finished'")
    assert words(reader) == ("no job runs", False)

    def runs(**columns: Any) -> None:
        beat(campaign, 7, 3, pages_per_s=0.0)
        with campaign.catalog.writing() as connection:
            connection.execute(update(core.job).where(core.job.c.id == 7).values(**columns))

    runs(started_at=NOW - 40, ok=0, failed=0)
    assert words(reader) == ("working for 40 s, first page not yet done", False)
    runs(started_at=NOW - 40, ok=0, failed=0, heartbeat_at=None)
    assert words(reader) == ("working for 40 s, first page not yet done", False)
    runs(started_at=NOW - 2000, ok=0, failed=0)
    assert words(reader) == ("working for 2000 s, first page not yet done", True)
    runs(started_at=NOW - 6000, ok=5, failed=0)
    assert words(reader) == ("nothing moves for 5000 s", True)
    at(campaign, 60)
    assert words(reader)[0].startswith("about ")


def test_the_pace_is_counted_in_buckets_of_the_window(campaign: Campaign, reader: Reader) -> None:
    at(campaign, 10, 20, 70, 3500, 3700, completion_tokens=600)
    pace = pace_of(reader, NOW, 3600, 60)
    assert pace.pages[-2:] == (1, 2)
    assert pace.pages[1] == 1 and sum(pace.pages) == sum(pace.ok) == 4
    assert pace.tokens_per_s[-1] == 20.0
    assert pace.pages_per_min[-1] == 2.0


def test_an_attempt_that_another_one_follows_is_no_page(campaign: Campaign, reader: Reader) -> None:
    at(campaign, 10, outcome="failed", last=False, completion_tokens=60)
    pace = pace_of(reader, NOW, 60, 1)
    assert (pace.pages, pace.ok, pace.tokens) == ((0,), (0,), (60,))
    at(campaign, 10, outcome="failed", last=True)
    assert (pace_of(reader, NOW, 60, 1).pages, pace_of(reader, NOW, 60, 1).ok) == ((1,), (0,))


def test_the_pace_is_asked_of_an_index_alone_and_nothing_is_sorted(reader: Reader) -> None:
    with reader.snapshot() as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {_BUCKETS}", (60, 0, 1, 0, 1))]
    assert any("SEARCH attempt USING COVERING INDEX ix_attempt_at" in step for step in plan)
    assert not [step for step in plan if "TEMP B-TREE" in step or "SCAN attempt" in step]


def test_vitals_are_summed_over_jobs_that_were_heard_lately(campaign: Campaign, reader: Reader) -> None:
    beat(campaign, 1, 5, pages_per_s=0.5, gpus=1, gpu_percent=90.0, in_flight=10, server={"waiting": 3})
    beat(campaign, 2, 5, pages_per_s=1.0, gpus=3, gpu_percent=50.0, in_flight=20)
    beat(campaign, 7, FRESH_S + 5, pages_per_s=100.0, gpus=8)
    vitals = health_of(reader, NOW, 3600, 60).vitals
    assert (vitals.jobs, vitals.silent) == (3, 1)
    assert (vitals.pages_per_min, vitals.gpus, vitals.gpu_percent, vitals.in_flight) == (90.0, 4, 60.0, 30)
    assert (vitals.server_running, vitals.server_waiting) == (None, 3.0)
    assert vitals.completion_tokens_per_s is None


def test_what_is_left_is_estimated_by_the_last_quarter_of_an_hour(campaign: Campaign, reader: Reader) -> None:
    at(campaign, *(5 + 30.0 * each for each in range(30)))
    left = health_of(reader, NOW, 3600, 240).left
    assert (left.waiting, left.pages_per_min) == (14, 2.0)
    assert left.eta_s == 14 / 2.0 * 60


def test_what_has_just_begun_is_estimated_by_the_time_since(campaign: Campaign, reader: Reader) -> None:
    at(campaign, 5, 20, 70)
    with campaign.catalog.writing() as connection:
        running = core.job.c.state == "running"
        connection.execute(update(core.job).where(running).values(started_at=NOW - 60))
    left = health_of(reader, NOW, 3600, 60).left
    assert (left.pages_per_min, left.eta_s) == (2.0, 14 / 2.0 * 60)


def test_without_any_movement_nothing_is_estimated(campaign: Campaign, reader: Reader) -> None:
    at(campaign)
    with campaign.catalog.writing() as connection:
        connection.execute(update(core.job).values(heartbeat={}))
    left = health_of(reader, NOW, 3600, 60).left
    assert (left.waiting, left.eta_s, left.pages_per_min) == (14, None, 0.0)


def test_jobs_that_ended_and_those_begun_again_are_counted(campaign: Campaign, reader: Reader) -> None:
    with campaign.catalog.writing() as connection:
        job = core.job
        connection.execute(update(job).values(ended_at=None, created_at=0.0))
        for job_id, state, cause in ((1, "finished", "ok"), (2, "finished", "walltime"), (3, "lost", None)):
            columns = {"state": state, "cause": cause, "ended_at": NOW - 60}
            connection.execute(update(job).where(job.c.id == job_id).values(**columns))
        connection.execute(update(job).where(job.c.id == 4).values(try_number=2, created_at=NOW - 60))
        connection.execute(update(job).where(job.c.id == 5).values(try_number=2, created_at=NOW - 6000))
    lately = jobs_lately(reader, NOW - 3600)
    assert dict(lately.ended) == {"lost": 1, "ok": 1, "walltime": 1}
    assert lately.restarts == 1


def test_all_of_it_is_json(reader: Reader) -> None:
    import json

    record = json.loads(json.dumps(health_record(health_of(reader, NOW, 3600, 12))))
    assert len(record["pace"]["pages"]) == 12
    assert record["failures"] == {"coverage": 7, "low_confidence": 7, "repetition": 7}
    assert record["jobs"]["restarts"] == 0


def events(*told: tuple[float, str, str]) -> list[Event]:
    return [Event(100 - n, NOW - age, "job", text, site=site) for n, (age, text, site) in enumerate(told)]


def test_events_that_say_the_same_within_a_while_are_told_once() -> None:
    found = grouped(
        events(
            (0, "Job submitted as 4003.pbs", "a"),
            (5, "Stage 1 (rapidocr) ended, ok", "a"),
            (10, "Job submitted as 4002.pbs", "a"),
            (20, "Job submitted as 4001.pbs", "b"),
            (2000, "Job submitted as 4000.pbs", "a"),
        )
    )
    assert [(each.text, each.count) for each in found] == [
        ("Job submitted as …", 2),
        ("Stage 1 (rapidocr) ended, ok", 1),
        ("Job submitted as 4001.pbs", 1),
        ("Job submitted as 4000.pbs", 1),
    ]
    assert found[0].since == NOW - 10


def test_what_is_told_of_many_events_is_true_of_each() -> None:
    said = ["Batch submitted: 7 pages", "Batch submitted: 8 pages", "Batch submitted: 1,200 pages"]
    said += ["Planned 216 pages in 2 batches.", "Planned 23 pages in 2 batches.", "Stage 2 ended, ok"] * 2
    found = grouped(events(*((n, text, "") for n, text in enumerate(said))))
    assert [(each.text, each.count) for each in found] == [
        ("Batch submitted: 7–1,200 pages", 3),
        ("Planned 23–216 pages in 2 batches.", 4),
        ("Stage 2 ended, ok", 2),
    ]


def test_a_name_with_the_sign_for_a_number_in_it_is_a_name() -> None:
    said = ["Imported 5 documents from Vol #", "Imported 5 documents from Vol 3"]
    found = grouped(events(*((n, text, "") for n, text in enumerate(said))))
    assert [each.text for each in found] == said


def test_words_that_differ_are_never_told_together() -> None:
    assert len(grouped(events((0, "Stage 1 ended, ok", "a"), (1, "Stage 1 ended, walltime", "a")))) == 2


@given(st.lists(st.floats(0, 5 * TOGETHER_S), max_size=30))
def test_grouping_loses_no_event(ages: list[float]) -> None:
    told = events(*((age, "Job submitted as 1.pbs", "a") for age in sorted(ages)))
    assert sum(each.count for each in grouped(told)) == len(ages)


def test_events_are_found_by_site_and_by_job(campaign: Campaign, reader: Reader) -> None:
    with campaign.catalog.writing() as connection:
        connection.execute(update(core.job).where(core.job.c.id == 7).values(site="inpt"))
        base = {"at": NOW, "kind": "job", "text": "Job submitted", "job_id": None}
        told = [
            {**base, "job_id": 7},
            {**base, "job_id": 1},
            {**base, "kind": "site", "text": "Site inpt paused"},
            {**base, "kind": "site", "text": "Site inpt2 paused"},
        ]
        connection.execute(insert(core.event), told)
    assert [(each.text, each.token) for each in events_of(reader, site="inpt")] == [
        ("Site inpt paused", None),
        ("Job submitted", "b0004s1"),
    ]
    assert [each.job_id for each in events_of(reader, job_id=1)] == [1]
    assert len(events_of(reader, since=NOW - 1)) == 4
    assert len(events_of(reader, limit=2)) == 2
