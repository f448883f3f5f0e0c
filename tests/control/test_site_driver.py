"""One site, tick by tick, with a scheduler that says what a test wants it to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bocr_tui.config.errors import ConfigError
from bocr_tui.control import submitting
from bocr_tui.control.events import SiteMoved, Trouble
from bocr_tui.control.requests import pause_site, request, resume_site, watch_log
from bocr_tui.control.settling import settle_job
from bocr_tui.sites.scheduler.base import Accepted, JobView, Later, Rejected, ScriptOrder, Unclear
from bocr_tui.sites.site import Patience
from bocr_tui.sites.transport.base import NeedsPerson, TransportLost
from bocr_tui.sites.transport.local import LocalTransport
from bocr_worker.protocol.exit_report import ExitReport, JournalEnd, dump_exit_report
from tests.control.puppet import Puppet, Stage

RUNNING, QUEUED, HELD = JobView("running"), JobView("queued", words="Not Running: no nodes"), JobView("held")


async def test_a_chain_is_submitted_held_and_released_last(stage: Stage) -> None:
    await stage.ticks(3)
    first, second = stage.tokens()
    assert stage.puppet.of("submit") == [(first, True, None), (second, False, f"{first}.pbs")]
    assert stage.puppet.of("release") == [(first,)]
    assert stage.puppet.did.index(("release", first)) > stage.puppet.did.index(
        ("submit", second, False, f"{first}.pbs")
    )
    assert stage.campaign.states() == {"queued": 3}


async def test_nothing_is_released_while_the_scheduler_does_not_have_all(stage: Stage) -> None:
    stage.puppet.refusals = [Accepted("1.pbs"), Later("limit of 1 job")]
    await stage.ticks(2)
    assert stage.states() == ["submitted", "staged"]
    assert stage.puppet.of("release") == []
    stage.again()
    await stage.ticks(2)
    assert stage.states() == ["submitted", "submitted"]
    assert len(stage.puppet.of("release")) == 1


async def test_an_unclear_submission_is_asked_after_and_never_made_anew(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "ASK_AGAIN_S", (0.0,))
    stage.puppet.refusals = [Unclear("the link was cut")] * 3
    await stage.ticks(3)
    assert stage.states()[0] == "ambiguous"
    await stage.ticks(2)
    first, second = stage.tokens()
    assert [entry[0] for entry in stage.puppet.of("submit")] == [first] * 4 + [second]
    assert stage.states() == ["submitted", "submitted"]


async def test_asking_ends_with_a_person_s_choice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submitting, "ASK_AGAIN_S", (0.0,))
    monkeypatch.setattr(submitting, "MOST_ASKS", 2)
    stage.puppet.refusals = [Unclear("no answer")] * 9
    await stage.ticks(6)
    assert len(stage.puppet.of("submit")) == 2
    assert any("settle" in event.next_step for event in stage.told if isinstance(event, Trouble))
    settle_job(stage.campaign.catalog, 1, "", "77.pbs")
    await stage.ticks(2)
    assert stage.campaign.rows("SELECT scheduler_id FROM job WHERE id = 1") == [("77.pbs",)]


async def test_a_refusal_ends_the_chain_with_the_scheduler_s_words(stage: Stage) -> None:
    stage.puppet.refusals = [Accepted("1.pbs"), Rejected("qsub: Unknown queue")]
    await stage.ticks(2)
    assert stage.states() == ["submitted", "rejected"]
    await stage.ticks(1)
    (first, _) = stage.tokens()
    assert stage.puppet.of("stop") == [(first, False)] or stage.puppet.of("stop") == [(first, True)]
    stage.see(JobView("ended", "deleted"))
    await stage.ticks(2)
    assert stage.states()[0] == "cancelled"
    assert stage.campaign.states() == {"planned": 3}
    assert stage.campaign.rows("SELECT reason FROM job WHERE id = 2") == [("qsub: Unknown queue",)]


async def test_no_answer_of_the_scheduler_changes_nothing(stage: Stage) -> None:
    await stage.ticks(2)
    stage.see(RUNNING, HELD)
    await stage.ticks(2)
    assert stage.states() == ["running", "held"]
    stage.puppet.problem = "cannot connect to server"
    await stage.ticks(3)
    assert stage.states() == ["running", "held"]
    problem = stage.campaign.rows("SELECT look_problem FROM site_status")
    await stage.driver.close()
    problem = stage.campaign.rows("SELECT look_problem FROM site_status")
    assert problem == [("cannot connect to server",)]


async def test_why_a_job_waits_is_kept_with_it(stage: Stage) -> None:
    await stage.ticks(2)
    stage.see(QUEUED)
    await stage.ticks(2)
    assert stage.campaign.rows("SELECT state, reason FROM job WHERE id = 1") == [
        ("queued", "Not Running: no nodes")
    ]


async def test_a_job_is_lost_only_after_two_sound_answers_apart_and_a_grace(stage: Stage) -> None:
    await stage.ticks(2)
    stage.again(patience=Patience(0.0, 0.0, unknown_s=0.15, unknown_apart_s=0.1))
    stage.see(JobView("unknown"), HELD)
    await stage.ticks(3)
    assert stage.states()[0] == "submitted"
    await asyncio.sleep(0.2)
    await stage.ticks(2)
    assert stage.states()[0] == "lost"


async def test_a_moved_job_that_its_new_server_knows_no_more_ends_after_a_long_grace(stage: Stage) -> None:
    """Its stop file is written first: should a third server start it after all, it reads nothing."""
    await stage.ticks(2)
    at_once = Patience(0.0, 0.0, unknown_s=0.0, unknown_apart_s=0.0)
    stage.again(patience=replace(at_once, moved_s=3600.0))
    stage.see(JobView("unknown", moved_to="two"), HELD)
    await stage.ticks(4)
    assert stage.states()[0] == "submitted", "it has more time than one that was not moved"
    assert not stage.puppet.of("stop")
    stage.again(patience=replace(at_once, moved_s=0.0))
    await stage.ticks(4)
    assert stage.states()[0] == "lost"
    first = stage.tokens()[0]
    assert stage.puppet.of("stop") == [(first, False)]
    (reason,) = stage.campaign.rows(f"SELECT reason FROM job WHERE token = '{first}'")[0]
    assert "moved to the PBS server two, which knows it no more" in str(reason)
    stage.see(JobView("ended", "ok"), JobView("ended", "ok"))
    await stage.ticks(3)
    assert stage.campaign.states() == {"queued": 3}
    assert len(stage.tokens()) > 2, "its pages are with a new job"


async def test_a_report_of_a_lost_job_is_believed_when_it_turns_up(stage: Stage) -> None:
    await stage.ticks(2)
    stage.see(JobView("unknown"), HELD)
    await stage.ticks(4)
    assert stage.states()[0] == "lost"
    stage.report(stage.tokens()[0], "ok")
    await stage.ticks(2)
    assert stage.states()[0] == "finished"


async def test_a_report_that_turned_up_while_nobody_drove_is_found_days_later(stage: Stage) -> None:
    await stage.ticks(2)
    stage.see(JobView("unknown"), HELD)
    await stage.ticks(4)
    with stage.campaign.catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE job SET ended_at = ended_at - 259200 WHERE state = 'lost'")
    stage.report(stage.tokens()[0], "ok")
    await stage.ticks(2)
    assert stage.states()[0] == "lost", "a driver that has looked for it does not go on for ever"
    stage.again()
    await stage.ticks(2)
    assert stage.states()[0] == "finished"


async def test_the_scheduler_s_cause_refines_a_report_that_says_stopped(stage: Stage) -> None:
    await stage.ticks(2)
    stage.report(stage.tokens()[0], "partial")
    stage.see(JobView("ended", "walltime", "job killed: walltime", -29), QUEUED)
    await stage.ticks(2)
    assert stage.campaign.rows("SELECT state, cause, exit_status FROM job WHERE id = 1") == [
        ("finished", "walltime", -29)
    ]


async def test_a_scheduler_that_hangs_does_not_keep_reports_from_coming_in(stage: Stage) -> None:
    stage.puppet.hang = asyncio.Event()
    await stage.ticks(2)
    stage.report(stage.tokens()[0], "ok")
    await stage.ticks(1)
    assert stage.states()[0] == "finished"


async def test_hold_and_release_are_carried_out_and_a_refusal_is_answered(stage: Stage) -> None:
    await stage.ticks(2)
    first = stage.tokens()[0]
    request(stage.campaign.catalog, "hold", [1])
    await stage.ticks(1)
    assert stage.puppet.of("hold") == [(first,)]
    stage.puppet.refuse_hold = "qhold: Unauthorized Request."
    request(stage.campaign.catalog, "hold", [1])
    await stage.ticks(1)
    assert stage.campaign.rows("SELECT state FROM request ORDER BY id") == [("done",), ("refused",)]


async def test_a_requeued_job_goes_on_in_a_new_round(stage: Stage) -> None:
    await stage.ticks(2)
    first, second = stage.tokens()
    stage.see(RUNNING, HELD)
    await stage.ticks(1)
    request(stage.campaign.catalog, "requeue", [1])
    await stage.ticks(1)
    assert stage.puppet.of("stop") == [(first, False)]
    stage.report(first, "partial")
    stage.report(second, "ok")
    stage.see(JobView("ended", "deleted"), JobView("ended", "ok"))
    await stage.ticks(3)
    assert stage.campaign.rows("SELECT cause, reason FROM job WHERE id = 1") == [("partial", "requeued")]
    assert len(stage.states()) == 4


async def test_who_cancels_a_job_that_is_being_requeued_gets_no_new_one(stage: Stage) -> None:
    await stage.ticks(2)
    first, _ = stage.tokens()
    stage.see(RUNNING, HELD)
    await stage.ticks(1)
    request(stage.campaign.catalog, "requeue", [1])
    await stage.ticks(1)
    request(stage.campaign.catalog, "cancel", [1])
    stage.report(first, "partial")
    stage.see(JobView("ended", "deleted"), JobView("ended", "deleted"))
    await stage.ticks(3)
    assert stage.campaign.rows("SELECT state, reason FROM job WHERE id = 1") == [("cancelled", "cancelled")]
    assert len(stage.states()) == 2


async def test_a_paused_site_is_left_alone_until_it_is_resumed(stage: Stage) -> None:
    pause_site(stage.campaign.catalog, "cluster")
    await stage.ticks(2)
    assert stage.puppet.did == []
    assert SiteMoved("cluster", "paused", "A person paused it.") in stage.told
    resume_site(stage.campaign.catalog, "cluster")
    await stage.ticks(2)
    assert stage.puppet.of("submit")


async def test_where_a_person_must_answer_nothing_is_tried_until_one_asks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    async def needs(self: LocalTransport, *_: object, **__: object) -> None:
        calls.append("asked")
        raise NeedsPerson("The host asks for a one-time code.", "Resume the site.")

    monkeypatch.setattr(LocalTransport, "call", needs)
    await stage.ticks(5)
    assert calls == ["asked"]
    assert stage.campaign.rows("SELECT link FROM site_status") == [("paused",)]
    resume_site(stage.campaign.catalog, "cluster")
    await stage.ticks(1)
    assert calls == ["asked", "asked"]
    monkeypatch.undo()


async def test_a_resume_that_is_refused_pauses_the_site_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(self: LocalTransport) -> None:
        raise NeedsPerson("The host does not let anna in.", "See that ssh works.")

    monkeypatch.setattr(LocalTransport, "resume", refused)
    resume_site(stage.campaign.catalog, "cluster")
    await stage.ticks(2)
    assert stage.campaign.rows("SELECT link FROM site_status") == [("paused",)]
    monkeypatch.undo()


async def test_a_link_that_is_lost_is_tried_again_after_a_pause(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(self: LocalTransport, *_: object, **__: object) -> None:
        raise TransportLost("The link is down.")

    monkeypatch.setattr(LocalTransport, "call", lost)
    await stage.ticks(3)
    (link, next_try) = stage.campaign.rows("SELECT link, next_try_at FROM site_status")[0]
    assert link == "waiting" and next_try
    assert len([event for event in stage.told if isinstance(event, Trouble)]) == 1
    monkeypatch.undo()


async def test_a_watched_log_comes_home_piece_by_piece(stage: Stage) -> None:
    await stage.ticks(2)
    token = stage.tokens()[0]
    log = stage.root / "runs" / token / "job.log"
    log.write_bytes(b"x" * 100_000 + b"\nloading\n")
    await stage.ticks(1)
    home = stage.campaign.workspace.root / "logs" / token / "job.log"
    assert not home.exists()
    watch_log(stage.campaign.catalog, 1)
    await stage.ticks(1)
    assert home.read_bytes().endswith(b"xx\nloading\n")
    assert home.stat().st_size == 65536
    with log.open("ab") as stream:
        stream.write(b"page 1\n")
    await stage.ticks(1)
    assert home.read_bytes().endswith(b"loading\npage 1\n")
    assert home.stat().st_size == 65536 + 7


@pytest.mark.parametrize(("outcome", "kept"), [("ok", {"job.log"}), ("error", {"job.log", "server.log"})])
async def test_a_job_leaves_its_log_here_when_it_ends(stage: Stage, outcome: str, kept: set[str]) -> None:
    await stage.ticks(2)
    token = stage.tokens()[0]
    for name in ("job.log", "server.log"):
        (stage.root / "runs" / token / name).write_text(f"{name}\n")
    stage.report(token, outcome)
    stage.see(JobView("ended"))
    await stage.ticks(2)
    home = stage.campaign.workspace.root / "logs" / token
    assert {path.name for path in home.glob("*.log")} == kept


@pytest.mark.parametrize("outcome", ["ok", "error"])
async def test_a_log_that_cannot_be_kept_holds_up_no_end(stage: Stage, outcome: str) -> None:
    await stage.ticks(2)
    token = stage.tokens()[0]
    (stage.root / "runs" / token / "job.log").write_text("read 3 pages\n")
    (stage.campaign.workspace.root / "logs").write_text("a file where the folder would be")
    stage.report(token, outcome)
    stage.see(JobView("ended"))
    await stage.ticks(2)
    assert stage.states()[0] == "finished"


async def test_an_end_waits_for_the_journals_that_its_report_speaks_of(stage: Stage) -> None:
    """A network filesystem may show a new exit.json before the end of a journal that has grown."""
    await stage.ticks(3)
    stage.again(patience=replace(stage.site.patience, ended_s=60.0))
    token, name = stage.tokens()[0], "journal-0123456789abcdef.jsonl"
    report = ExitReport(token, "ok", journals=(JournalEnd(name, "0123456789abcdef", 5000, 9),))
    (stage.root / "runs" / token / "exit.json").write_bytes(dump_exit_report(report))
    stage.see(JobView("ended", "ok", exit_status=0), HELD)
    await stage.ticks(4)
    assert stage.states()[0] == "submitted", "what it read may still come"
    stage.again(patience=replace(stage.site.patience, ended_s=0.0))
    await stage.ticks(4)
    rows = stage.campaign.rows("SELECT state, cause, reason FROM job ORDER BY id")
    assert rows[0] == ("finished", "partial", "a part of its journals is gone")
    cursors = stage.campaign.rows("SELECT journal, state FROM journal_cursor")
    assert cursors == [(f"{token}/{name}", "quarantined")], "no worker that follows believes what comes late"


async def test_a_resumed_site_that_needs_a_person_again_is_paused_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def needs(self: LocalTransport, *_: object, **__: object) -> None:
        raise NeedsPerson("The host asks for a one-time code.", "Resume the site.")

    monkeypatch.setattr(LocalTransport, "resume", needs)
    resume_site(stage.campaign.catalog, "cluster")
    await stage.ticks(2)
    assert stage.campaign.rows("SELECT link FROM site_status") == [("paused",)]
    monkeypatch.undo()


async def test_a_template_that_cannot_be_used_pauses_its_site_and_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unusable(self: Puppet, order: ScriptOrder) -> bytes:
        raise ConfigError("The job template pbs/job.sh.j2 cannot be used.", "Mend or remove it.")

    monkeypatch.setattr(Puppet, "script", unusable)
    await stage.ticks(2)
    ((link, reason),) = stage.campaign.rows("SELECT link, reason FROM site_status")
    assert link == "paused" and "Mend or remove it" in str(reason)
    monkeypatch.undo()
    resume_site(stage.campaign.catalog, "cluster")
    await stage.ticks(2)
    assert stage.states() == ["submitted", "submitted"]
