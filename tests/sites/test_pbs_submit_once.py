"""Submitting to PBS exactly once, whatever is killed, hangs or is asked twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.sites.helper import pbs_qsub, pbs_submit
from bocr_tui.sites.helper.pbs_commands import Pbs
from bocr_tui.sites.helper.run_files import read_record
from tests.sites.pbs_fakes import TOKEN, SubmitSite, until


@pytest.fixture
def site(tmp_path: Path) -> SubmitSite:
    return SubmitSite(tmp_path)


# -- lost answers -----------------------------------------------------------------------------------------


def test_killed_while_qsub_is_under_way_the_job_is_found_by_its_name(
    site: SubmitSite, tmp_path: Path
) -> None:
    go_on = tmp_path / "go_on"
    site.pbs.does("qsub", wait_for=str(go_on))
    site.start_and_wait_for_qsub()
    site.kill_submitter()
    assert site.one()["answer"] == "unclear", "qsub lives on, and PBS has no job yet"
    go_on.touch()
    until(lambda: bool(site.pbs.jobs()))
    answer = site.one()
    assert (answer["answer"], answer["id"]) == ("accepted", "1.server")
    assert len(site.pbs.jobs()) == 1


def test_killed_after_pbs_took_the_job_it_is_found_by_its_name(site: SubmitSite, tmp_path: Path) -> None:
    site.pbs.does("qsub", then_wait_for=str(tmp_path / "never"))
    site.start_and_wait_for_qsub()
    until((site.pbs.bin / "taken").exists)
    site.kill_submitter()
    os.killpg(site.intent()["qsub"]["pid"], signal.SIGKILL)
    assert site.one()["id"] == "1.server"
    assert site.jobid() == "1.server"
    assert len(site.pbs.jobs()) == 1


def test_killed_together_with_its_qsub_before_pbs_took_the_job_it_is_submitted_anew(
    site: SubmitSite, tmp_path: Path
) -> None:
    site.pbs.does("qsub", wait_for=str(tmp_path / "never"))
    site.start_and_wait_for_qsub()
    site.kill_submitter()
    os.killpg(site.intent()["qsub"]["pid"], signal.SIGKILL)
    site.pbs.works("qsub")
    until(lambda: site.one()["answer"] == "accepted")
    assert len(site.pbs.jobs()) == 1


def test_a_qsub_that_outlives_all_that_watched_it_is_waited_for(site: SubmitSite, tmp_path: Path) -> None:
    """Only the processes above it were killed: it may still hand the job over."""
    go_on = tmp_path / "go_on"
    site.pbs.does("qsub", wait_for=str(go_on))
    site.start_and_wait_for_qsub()
    site.kill_submitter()
    os.kill(site.intent()["qsub"]["pid"], signal.SIGKILL)
    for _ in range(3):
        assert site.one()["answer"] == "unclear"
    go_on.touch()
    until(lambda: bool(site.pbs.jobs()))
    assert site.one()["id"] == "1.server"
    assert len(site.pbs.jobs()) == 1


def test_killed_between_intent_and_qsub_it_waits_until_no_qsub_can_be_under_way(site: SubmitSite) -> None:
    intent = site.run / "intent"
    intent.write_text("{}")
    answer = site.one()
    assert answer["answer"] == "unclear" and "may be under way" in answer["words"]
    assert not site.pbs.calls("qsub")
    long_ago = time.time() - pbs_submit.QSUB_S - pbs_qsub.QSUB_KILLED_S - pbs_submit.BESIDE_S - 2
    os.utime(intent, (long_ago, long_ago))
    assert site.one()["answer"] == "accepted"
    assert len(site.pbs.jobs()) == 1


@pytest.mark.parametrize("left", ["", "{", "[]", '{"qsub": 3}', '{"qsub": {"pid": "x"}}'])
def test_an_intent_that_was_cut_is_an_intent(site: SubmitSite, left: str) -> None:
    (site.run / "intent").write_text(left)
    assert site.one()["answer"] == "unclear"
    assert not site.pbs.calls("qsub")


def test_while_pbs_does_not_say_nothing_is_submitted(site: SubmitSite) -> None:
    (site.run / "intent").write_text('{"ended": 162}')
    answers: tuple[dict[str, Any], ...] = (
        {"status": 162, "stderr": "Connection refused\nqselect: cannot connect to server s (errno=15010)\n"},
        {"status": 0, "stderr": "pbs_iff: all reserved ports in use\n"},
        {"status": 0, "stdout": "what?\n"},
    )
    for answer in answers:
        site.pbs.says("qselect", **answer)
        assert site.one()["answer"] == "unclear"
    assert not site.pbs.calls("qsub")


def test_without_history_the_living_jobs_are_asked(site: SubmitSite) -> None:
    (site.run / "intent").write_text('{"ended": 162}')
    no_history = "qselect: PBS is not configured to maintain job history\n"
    site.pbs.does("qselect", first={"status": 0, "stderr": no_history})
    assert site.one()["answer"] == "accepted"
    assert ["-x" in call for call in site.pbs.calls("qselect")] == [True, False]


def test_the_job_s_own_word_counts(site: SubmitSite) -> None:
    (site.run / "intent").write_text("{}")
    (site.run / "jobid").write_text("77.server\n")
    assert site.one()["id"] == "77.server"
    assert not site.pbs.calls()


def test_a_job_that_started_while_a_second_was_submitted_stays_and_the_second_is_deleted(
    site: SubmitSite, tmp_path: Path
) -> None:
    """Its answer was lost, PBS could not be asked about it in time, and it says itself that it runs."""
    go_on = tmp_path / "go_on"
    site.pbs.does("qsub", wait_for=str(go_on))
    site.start_and_wait_for_qsub()
    (site.run / "jobid").write_text("900.server\n")
    go_on.touch()
    until(lambda: bool(site.pbs.calls("qdel")))
    assert site.pbs.calls("qdel")[0][1] == "1.server"
    assert site.one()["id"] == "900.server"


def test_of_several_jobs_of_one_name_the_first_is_kept(site: SubmitSite) -> None:
    (site.run / "intent").write_text('{"ended": 255}')
    site.pbs.says("qselect", 0, stdout="100.server\n99.server\n")
    assert site.one()["id"] == "99.server"
    assert [call[1] for call in site.pbs.calls("qdel")] == ["100.server"]


def test_an_empty_jobid_is_none(site: SubmitSite) -> None:
    """What a crash of a file server leaves."""
    (site.run / "jobid").write_text("")
    (site.run / "intent").write_text('{"ended": null}')
    site.pbs.says("qselect", 0, stdout="5.server\n")
    assert site.one()["id"] == "5.server"
    assert site.jobid() == "5.server"


def test_a_qsub_that_hangs_is_killed_and_the_job_submitted_when_pbs_answers_again(
    site: SubmitSite, tmp_path: Path
) -> None:
    site.pbs.does("qsub", wait_for=str(tmp_path / "never"))
    answer = site.one(qsub_s=0.3)
    assert (answer["answer"], answer["words"]) == ("unclear", "no answer within 0.3 s")
    site.pbs.works("qsub")
    assert site.one()["answer"] == "accepted"
    assert len(site.pbs.jobs()) == 1


# -- several at once --------------------------------------------------------------------------------------


def test_two_that_ask_at_once_get_the_same_job(site: SubmitSite, tmp_path: Path) -> None:
    go_on = tmp_path / "go_on"
    site.pbs.does("qsub", wait_for=str(go_on))
    answers: list[dict[str, Any]] = []
    askers = [threading.Thread(target=lambda: answers.append(site.one())) for _ in range(4)]
    for asker in askers:
        asker.start()
    until(lambda: bool(site.pbs.calls("qsub")))
    go_on.touch()
    for asker in askers:
        asker.join()
    assert [answer["id"] for answer in answers] == ["1.server"] * 4
    assert len(site.pbs.calls("qsub")) == 1


def test_a_hundred_and_twenty_three_retries_make_one_job(site: SubmitSite, tmp_path: Path) -> None:
    """Each in the middle of the others, while the first qsub has not answered."""
    go_on = tmp_path / "go_on"
    site.pbs.does("qsub", wait_for=str(go_on))
    pbs = Pbs(str(site.pbs.bin), "")
    answers: list[str] = []

    def ask() -> None:
        answers.append(pbs_submit.Submitter(str(site.root), pbs).submit({"token": TOKEN})["id"])

    askers = [threading.Thread(target=ask) for _ in range(123)]
    for asker in askers:
        asker.start()
    until(lambda: bool(site.pbs.calls("qsub")))
    go_on.touch()
    for asker in askers:
        asker.join()
    assert answers == ["1.server"] * 123
    assert len(site.pbs.jobs()) == 1


def test_retries_that_are_killed_at_any_moment_make_one_job(site: SubmitSite) -> None:
    """The processes that submit, one after the other, killed a little later each time."""
    for trial in range(12):
        assert site.one(wait_s=0.001)["answer"] in ("unclear", "accepted")
        time.sleep(0.006 * trial)
        holders = [read_record(str(path)) for path in site.run.glob("lock/*/holder.json")]
        for pid in {int(holder["pid"]) for holder in holders if "pid" in holder}:
            if (
                Path(f"/proc/{pid}/cmdline").exists()
                and b"pbs_detached" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ):
                os.kill(pid, signal.SIGKILL)
    intent = site.run / "intent"
    if intent.exists() and not (site.run / "jobid").exists():
        os.utime(intent, (1, 1))
    until(lambda: site.one()["answer"] == "accepted")
    assert len(site.pbs.jobs()) == 1


def test_whoever_asked_may_be_killed_without_harm(site: SubmitSite, tmp_path: Path) -> None:
    go_on = tmp_path / "go_on"
    site.pbs.does("qsub", wait_for=str(go_on))
    program = (
        "from bocr_tui.sites.helper.pbs import submit_pbs\n"
        f"submit_pbs({str(site.root)!r}, [{{'token': {TOKEN!r}}}], {site.pbs.options!r})"
    )
    asker = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    until(lambda: bool(site.pbs.calls("qsub")))
    os.killpg(asker.pid, signal.SIGKILL)
    asker.wait()
    go_on.touch()
    until((site.run / "jobid").exists)
    assert site.jobid() == "1.server"


def test_nothing_is_left_running_and_no_zombie(site: SubmitSite) -> None:
    site.one()
    mine = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    for pid in Path(mine).read_text().split():
        assert b"pbs_detached" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
