"""What a chain does when the jobs that were submitted together have ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.catalog.words import JobCause, JobState
from bocr_tui.control.ending import ChainStep, Endings
from bocr_tui.control.judging import Ending
from bocr_tui.control.orders import submit_batches
from bocr_tui.control.requests import request
from bocr_tui.control.settling import settle_job
from tests.control.campaigns import Campaign, make_campaign
from tests.papers import make_pdf

CHAINED = """
pipeline = ["noop", { engine = "noop", options = { answer = "text" } }]
site = "cluster"
[sites.cluster]
scheduler = "pbs"
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    campaign = make_campaign(tmp_path, CHAINED)
    batch = campaign.add(make_pdf(tmp_path / "a.pdf", 4), 4)
    submit_batches(campaign.catalog, campaign.config, [batch])
    return campaign


def put(campaign: Campaign, statement: str, *values: object) -> None:
    with campaign.catalog.writing() as connection:
        connection.exec_driver_sql(statement, values)


def submitted(campaign: Campaign) -> None:
    """As if the scheduler had taken every job, and the first one ran."""
    put(
        campaign, "UPDATE job SET state = 'submitted', scheduler_id = id || '.server' WHERE state = 'planned'"
    )
    put(campaign, "UPDATE page SET state = 'queued' WHERE state = 'planned'")


def verdicts(campaign: Campaign, job: int, ok: int, failed: int) -> None:
    """As if this job had read so many of the open pages."""
    put(campaign, "UPDATE job SET ok = ?, failed = ? WHERE id = ?", ok, failed, job)
    put(
        campaign,
        "UPDATE page SET state = 'ok', accepted_attempt_id = 1, changed_at = 1e12 WHERE id IN"
        " (SELECT id FROM page WHERE state IN ('queued', 'failed') ORDER BY id LIMIT ?)",
        ok,
    )
    put(
        campaign,
        "UPDATE page SET state = 'failed', failure = 'empty' WHERE id IN"
        " (SELECT id FROM page WHERE state = 'queued' ORDER BY id LIMIT ?)",
        failed,
    )


def end(campaign: Campaign, job: int, cause: str | None, state: str = "finished") -> ChainStep:
    cause_of = None if cause is None else JobCause(cause)
    return Endings(campaign.catalog, 3).end_job(job, Ending(JobState(state), cause_of, "said so"))


def jobs(campaign: Campaign) -> list[tuple[object, ...]]:
    return campaign.rows("SELECT round, stage, try_number, state FROM job ORDER BY id")


def test_an_order_writes_every_stage_at_once(campaign: Campaign) -> None:
    assert jobs(campaign) == [(1, 0, 1, "planned"), (1, 1, 1, "planned")]
    assert campaign.scalar("SELECT count(*) FROM job_batch") == 2


def test_the_chain_ends_with_the_last_of_its_jobs(campaign: Campaign) -> None:
    submitted(campaign)
    verdicts(campaign, 1, ok=3, failed=1)
    assert end(campaign, 1, "ok").waits
    assert campaign.states() == {"ok": 3, "failed": 1}
    verdicts(campaign, 2, ok=1, failed=0)
    assert end(campaign, 2, "ok") == ChainStep(ok=4)
    campaign.check_books()


def test_a_job_whose_time_was_up_goes_on_in_a_new_round(campaign: Campaign) -> None:
    submitted(campaign)
    verdicts(campaign, 1, ok=2, failed=0)
    end(campaign, 1, "walltime")
    step = end(campaign, 2, "ok")
    assert len(step.next_jobs) == 2
    assert jobs(campaign)[2:] == [(2, 0, 2, "planned"), (2, 1, 2, "planned")]
    assert campaign.states() == {"ok": 2, "queued": 2}


def test_a_later_stage_that_died_is_tried_again_alone(campaign: Campaign) -> None:
    submitted(campaign)
    verdicts(campaign, 1, ok=2, failed=2)
    end(campaign, 1, "ok")
    step = end(campaign, 2, "node")
    assert len(step.next_jobs) == 1
    assert jobs(campaign)[2:] == [(2, 1, 2, "planned")]


def test_a_stage_that_dies_for_nothing_leaves_its_pages_to_the_next(campaign: Campaign) -> None:
    for number in range(3):
        submitted(campaign)
        end(campaign, number * 2 + 1, "error")
        end(campaign, number * 2 + 2, "ok")
    assert jobs(campaign)[6:] == [(4, 1, 4, "planned")], "three tries, then the next stage alone"


def test_cancelling_a_job_takes_those_with_it_that_wait_for_it(campaign: Campaign) -> None:
    submitted(campaign)
    assert request(campaign.catalog, "cancel", [1]) == 2
    end(campaign, 2, None, "cancelled")
    assert end(campaign, 1, None, "cancelled") == ChainStep()
    assert campaign.states() == {"planned": 4}
    campaign.check_books()


def test_cancelling_a_later_stage_leaves_the_earlier_alone(campaign: Campaign) -> None:
    submitted(campaign)
    request(campaign.catalog, "cancel", [2])
    end(campaign, 2, None, "cancelled")
    assert campaign.scalar("SELECT count(*) FROM request") == 1
    verdicts(campaign, 1, ok=3, failed=1)
    assert end(campaign, 1, "ok") == ChainStep(ok=3, failed=1)


def test_a_refused_job_ends_the_one_that_is_held_for_it(campaign: Campaign) -> None:
    put(campaign, "UPDATE job SET state = 'submitted', scheduler_id = '1.server' WHERE id = 1")
    put(campaign, "UPDATE job SET state = 'submitting' WHERE id = 2")
    assert end(campaign, 2, None, "rejected").waits
    assert campaign.rows("SELECT kind, json_extract(payload, '$.job') FROM request") == [("cancel", 1)]


def test_a_job_deleted_by_somebody_else_is_not_submitted_again(campaign: Campaign) -> None:
    submitted(campaign)
    end(campaign, 1, "deleted")
    assert campaign.rows("SELECT json_extract(payload, '$.job') FROM request") == [(2,)]
    end(campaign, 2, None, "cancelled")
    assert campaign.states() == {"planned": 4}


def test_a_submission_settled_as_never_run_is_made_anew(campaign: Campaign) -> None:
    put(campaign, "UPDATE job SET state = 'ambiguous', asks = 20 WHERE id = 1")
    step = settle_job(campaign.catalog, 1, "never_ran")
    assert len(step.next_jobs) == 2
    assert [row[3] for row in jobs(campaign)] == ["lost", "finished", "planned", "planned"]


def test_a_submission_settled_by_its_id_is_followed(campaign: Campaign) -> None:
    put(campaign, "UPDATE job SET state = 'ambiguous', asks = 20 WHERE id = 1")
    settle_job(campaign.catalog, 1, "", "77.server")
    assert campaign.rows("SELECT state, scheduler_id, asks FROM job WHERE id = 1") == [
        ("submitted", "77.server", 0)
    ]
    assert campaign.states() == {"queued": 4}


def test_a_report_that_turns_up_late_is_believed_and_starts_nothing(campaign: Campaign) -> None:
    submitted(campaign)
    end(campaign, 1, None, "lost")
    step = end(campaign, 2, "ok")
    assert len(step.next_jobs) == 2
    assert end(campaign, 1, "ok").waits
    assert campaign.rows("SELECT state, cause FROM job WHERE id = 1") == [("finished", "ok")]
    assert campaign.scalar("SELECT count(*) FROM job") == 4
