"""The autopilot feeds planned batches, retries what failed, and stops with a reason."""

from __future__ import annotations

from pathlib import Path

from bocr_tui.control.autopilot import AutopilotState, autopilot_state, set_autopilot
from bocr_tui.control.events import AutopilotSaid
from tests.control.campaigns import Campaign, make_campaign
from tests.control.test_driver import noop
from tests.papers import make_pdf


def state(campaign: Campaign) -> AutopilotState:
    with campaign.catalog.reading() as connection:
        return autopilot_state(connection)


def three_batches(campaign: Campaign, folder: Path) -> None:
    for number in range(3):
        campaign.add(make_pdf(folder / f"{number}.pdf", number + 1), number + 1)


def test_it_submits_what_is_planned_and_stops_when_all_is_done(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text"'))
    three_batches(campaign, tmp_path)
    set_autopilot(campaign.catalog, True)
    told = campaign.drive()
    assert campaign.states() == {"ok": 6}
    assert not state(campaign).on
    assert state(campaign).reason == "everything planned is done: 6 pages read"
    assert [event for event in told if isinstance(event, AutopilotSaid) and event.stopped]
    campaign.check_books()


def test_it_never_has_more_on_a_site_than_the_site_wants(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text", sleep_s = 0.1'))
    three_batches(campaign, tmp_path)
    set_autopilot(campaign.catalog, True)
    most = 0
    told: list[object] = []

    def count(event: object) -> None:
        nonlocal most
        told.append(event)
        living = "SELECT count(*) FROM job WHERE state NOT IN ('finished', 'lost', 'cancelled', 'rejected')"
        most = max(most, campaign.scalar(living))

    campaign.drive(on_event=count)
    assert campaign.states() == {"ok": 6}
    assert most == 2, "one runs, one waits behind it"


def test_switched_off_it_leaves_what_is_planned(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text"'))
    three_batches(campaign, tmp_path)
    set_autopilot(campaign.catalog, True)
    set_autopilot(campaign.catalog, False)
    campaign.drive()
    assert campaign.states() == {"planned": 6}


def test_it_stops_when_jobs_end_for_nothing(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop("refuse = true", extra="[limits]\njob_tries = 1\n"))
    for number in range(5):
        campaign.add(make_pdf(tmp_path / f"{number}.pdf", 1), 1)
    set_autopilot(campaign.catalog, True)
    campaign.drive()
    assert "3 jobs in a row ended without reading a page" in state(campaign).reason
    assert campaign.states()["planned"] >= 1, "it does not go through the archive for nothing"


def test_failed_pages_are_resubmitted_together_so_often_and_no_more(tmp_path: Path) -> None:
    campaign = make_campaign(tmp_path, noop('answer = "text"'))
    three_batches(campaign, tmp_path)
    with campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE page SET state = 'failed', failure = 'transport'")
    set_autopilot(campaign.catalog, True)
    campaign.drive()
    assert campaign.states() == {"ok": 6}
    assert campaign.rows("SELECT kind FROM chain") == [("recovery",)]
