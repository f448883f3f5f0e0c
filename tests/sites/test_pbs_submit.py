"""Submitting to PBS exactly once, whatever is killed, hangs, refuses or is asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.sites.helper import pbs_qsub, pbs_submit
from bocr_tui.sites.helper.pbs import submit_pbs
from bocr_tui.sites.helper.pbs_commands import Pbs
from bocr_tui.sites.helper.refusal import Refused
from bocr_tui.sites.helper.run_files import read_record
from tests.sites.pbs_fakes import FakePbs

TOKEN = "bsubmit1"


class Site:
    """A root with a fake PBS and run folders."""

    def __init__(self, folder: Path) -> None:
        self.pbs = FakePbs(folder / "pbs")
        self.root = folder / "site"
        self.run = self.stage(TOKEN)

    def stage(self, token: str) -> Path:
        run = self.root / "runs" / token
        run.mkdir(parents=True)
        (run / "job.sh").write_text("#!/bin/bash\n")
        return run

    def submit(self, *orders: str | dict[str, Any], **options: Any) -> list[dict[str, Any]]:
        asked = [{"token": one} if isinstance(one, str) else one for one in orders or (TOKEN,)]
        return submit_pbs(str(self.root), asked, {**self.pbs.options, **options})

    def one(self, **options: Any) -> dict[str, Any]:
        (answer,) = self.submit(**options)
        return answer

    def intent(self) -> dict[str, Any]:
        return read_record(str(self.run / "intent"))

    def jobid(self) -> str:
        return (self.run / "jobid").read_text().strip()

    def start_and_wait_for_qsub(self) -> None:
        """Ask, and come back while qsub is at work."""
        assert self.one(wait_s=0.01)["answer"] == "unclear"
        until(lambda: "qsub" in self.intent() and bool(self.pbs.calls("qsub")))

    def kill_submitter(self) -> None:
        pid = self.intent()["submitter"]["pid"]
        os.kill(pid, signal.SIGKILL)
        until(
            lambda: (
                not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
            )
        )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.01)


# -- the plain way ----------------------------------------------------------------------------------------


def test_a_job_is_submitted_once_and_answered_from_its_folder_afterwards(site: Site) -> None:
    answers = [site.one() for _ in range(5)]
    assert {(answer["answer"], answer["id"]) for answer in answers} == {("accepted", "1.server")}
    assert len(site.pbs.calls("qsub")) == 1
    assert site.jobid() == "1.server"
    assert json.loads((site.run / "submitted.json").read_text())["answer"] == "accepted"
    assert "1.server" in (site.run / "submit.log").read_text()


def test_qsub_is_called_by_its_path_in_the_run_folder_without_a_shell(site: Site) -> None:
    site.submit({"token": TOKEN, "hold": True, "after": "7.server"})
    (call,) = site.pbs.calls("qsub")
    pbs_log = str(site.run / "pbs.log")
    expected = [
        "-f",
        "-k",
        "oed",
        "-N",
        TOKEN,
        "-o",
        pbs_log,
        "-h",
        "-W",
        "depend=afterany:7.server",
        "job.sh",
    ]
    assert call == ["qsub", *expected, "UTC", str(site.run)]


def test_many_jobs_are_submitted_by_one_call_in_order(site: Site) -> None:
    tokens = [f"bmany{number}" for number in range(20)]
    for token in tokens:
        site.stage(token)
    answers = site.submit(*tokens)
    assert [answer["token"] for answer in answers] == tokens
    assert [answer["id"] for answer in answers] == [f"{number}.server" for number in range(1, 21)]


def test_files_of_a_submission_are_private(site: Site) -> None:
    site.one()
    for path in site.run.rglob("*"):
        if path.name != "job.sh":
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_pbs_that_is_too_old_for_an_option_goes_without_it(site: Site) -> None:
    usage = "usage: qsub [-a date_time]\n"
    site.pbs.does("qsub", first={"status": 2, "stderr": f"qsub: illegal -k value\n{usage}"})
    assert site.one()["answer"] == "accepted"
    assert ["-k" in call for call in site.pbs.calls("qsub")] == [True, False]
    token = "bsubmit2"
    site.stage(token)
    site.pbs.does("qsub", first={"status": 2, "stderr": f"qsub: invalid option -- 'f'\n{usage}"})
    assert site.submit(token)[0]["answer"] == "accepted"
    assert "-f" not in site.pbs.calls("qsub")[-1]
    assert len(site.pbs.jobs()) == 2


@pytest.mark.parametrize("root", ["/a b", "/a,b", "/é", "relative", "/a\nb", "/a'b", "/$HOME"])
def test_a_root_that_pbs_would_not_take_is_refused_before_anything(site: Site, root: str) -> None:
    with pytest.raises(Refused, match="PBS does not take the path"):
        submit_pbs(root, [{"token": TOKEN}], site.pbs.options)
    assert not site.pbs.calls()


@pytest.mark.parametrize("order", [{"token": "../x"}, {"token": "a b"}, {}, {"token": TOKEN, "after": "x;y"}])
def test_what_is_no_token_or_no_id_is_refused(site: Site, order: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        site.submit(order)
    assert not site.pbs.calls()


def test_without_pbs_nothing_is_done(site: Site) -> None:
    with pytest.raises(Refused, match="no PBS commands in /nowhere") as refusal:
        site.one(pbs_exec="/nowhere")
    assert "pbs_exec" in refusal.value.next_step
    assert sorted(path.name for path in site.run.iterdir()) == ["job.sh"]


def test_a_run_folder_that_is_gone_is_rejected(site: Site) -> None:
    (answer,) = site.submit("bnowhere")
    assert answer["answer"] == "rejected" and "not there" in answer["words"]


# -- refusals ---------------------------------------------------------------------------------------------


def test_a_refusal_is_told_in_pbs_s_own_words_and_may_be_mended(site: Site) -> None:
    site.pbs.says("qsub", 170, stderr="qsub: Unknown queue\n")
    answer = site.one()
    assert (answer["answer"], answer["words"], answer["status"]) == ("rejected", "qsub: Unknown queue", 170)
    assert not (site.run / "intent").exists()
    site.pbs.works("qsub")
    assert site.one()["answer"] == "accepted"
    assert len(site.pbs.jobs()) == 1


def test_hostile_words_are_made_plain(site: Site) -> None:
    site.pbs.says(
        "qsub", 159, stderr="qsub: \x1b[31mUnauthorized\x07 \u202e" + "x" * 5000 + "\nusage: qsub\n"
    )
    words = site.one()["words"]
    assert words.isprintable() and len(words) <= 500
    assert words.startswith("qsub: ")


def test_a_limit_on_jobs_means_later_and_spares_the_others_of_the_call(site: Site) -> None:
    for token in ("blater1", "blater2"):
        site.stage(token)
    site.pbs.says("qsub", 38, stderr="qsub: would exceed queue generic's per-user limit\n")
    answers = site.submit(TOKEN, "blater1", "blater2")
    assert [answer["answer"] for answer in answers] == ["later"] * 3
    assert len(site.pbs.calls("qsub")) == 1
    site.pbs.works("qsub")
    assert [answer["answer"] for answer in site.submit(TOKEN, "blater1", "blater2")] == ["accepted"] * 3


def test_a_rejection_does_not_keep_the_others_from_being_submitted(site: Site) -> None:
    site.stage("bother1")
    site.pbs.does("qsub", first={"status": 188, "stderr": "qsub: Job violates queue limits\n"})
    assert [answer["answer"] for answer in site.submit(TOKEN, "bother1")] == ["rejected", "accepted"]


@pytest.mark.parametrize("status", [160, 162, 171, 183, 186, 255, 57, 99, 254])
def test_what_is_no_clear_refusal_is_cleared_up_by_asking_for_the_name(site: Site, status: int) -> None:
    site.pbs.says("qsub", status, stderr="Connection refused\n")
    site.stage("bother1")
    answers = site.submit(TOKEN, "bother1")
    assert [answer["answer"] for answer in answers] == ["unclear", "later"]
    assert "Connection refused" in answers[0]["words"]
    assert site.intent()["ended"] == status
    site.pbs.works("qsub")
    assert site.one()["answer"] == "accepted"
    assert len(site.pbs.calls("qselect")) == 1
    assert len(site.pbs.jobs()) == 1


@pytest.mark.parametrize("stdout", ["", "submitted!\n", "1.server\n2.server\n", "\x00\xff", "12\n"])
def test_an_answer_without_one_id_is_no_answer(site: Site, stdout: str) -> None:
    site.pbs.says("qsub", 0, stdout=stdout)
    assert site.one()["answer"] == "unclear"
    assert not (site.run / "jobid").exists()


def test_words_of_the_site_around_the_id_are_passed_over(site: Site) -> None:
    site.pbs.says("qsub", 0, stdout="Welcome to our cluster\n41.server.example.org\nProject ocr: 12 h left\n")
    assert site.one()["id"] == "41.server.example.org"


# -- lost answers -----------------------------------------------------------------------------------------


def test_killed_while_qsub_is_under_way_the_job_is_found_by_its_name(site: Site, tmp_path: Path) -> None:
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


def test_killed_after_pbs_took_the_job_it_is_found_by_its_name(site: Site, tmp_path: Path) -> None:
    site.pbs.does("qsub", then_wait_for=str(tmp_path / "never"))
    site.start_and_wait_for_qsub()
    until((site.pbs.bin / "taken").exists)
    site.kill_submitter()
    os.killpg(site.intent()["qsub"]["pid"], signal.SIGKILL)
    assert site.one()["id"] == "1.server"
    assert site.jobid() == "1.server"
    assert len(site.pbs.jobs()) == 1


def test_killed_together_with_its_qsub_before_pbs_took_the_job_it_is_submitted_anew(
    site: Site, tmp_path: Path
) -> None:
    site.pbs.does("qsub", wait_for=str(tmp_path / "never"))
    site.start_and_wait_for_qsub()
    site.kill_submitter()
    os.killpg(site.intent()["qsub"]["pid"], signal.SIGKILL)
    site.pbs.works("qsub")
    until(lambda: site.one()["answer"] == "accepted")
    assert len(site.pbs.jobs()) == 1


def test_a_qsub_that_outlives_all_that_watched_it_is_waited_for(site: Site, tmp_path: Path) -> None:
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


def test_killed_between_intent_and_qsub_it_waits_until_no_qsub_can_be_under_way(site: Site) -> None:
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
def test_an_intent_that_was_cut_is_an_intent(site: Site, left: str) -> None:
    (site.run / "intent").write_text(left)
    assert site.one()["answer"] == "unclear"
    assert not site.pbs.calls("qsub")


def test_while_pbs_does_not_say_nothing_is_submitted(site: Site) -> None:
    (site.run / "intent").write_text('{"ended": 162}')
    for answer in (
        {"status": 162, "stderr": "Connection refused\nqselect: cannot connect to server s (errno=15010)\n"},
        {"status": 0, "stderr": "pbs_iff: all reserved ports in use\n"},
        {"status": 0, "stdout": "what?\n"},
    ):
        site.pbs.says("qselect", **answer)
        assert site.one()["answer"] == "unclear"
    assert not site.pbs.calls("qsub")


def test_without_history_the_living_jobs_are_asked(site: Site) -> None:
    (site.run / "intent").write_text('{"ended": 162}')
    no_history = "qselect: PBS is not configured to maintain job history\n"
    site.pbs.does("qselect", first={"status": 0, "stderr": no_history})
    assert site.one()["answer"] == "accepted"
    assert ["-x" in call for call in site.pbs.calls("qselect")] == [True, False]


def test_the_job_s_own_word_counts(site: Site) -> None:
    (site.run / "intent").write_text("{}")
    (site.run / "jobid").write_text("77.server\n")
    assert site.one()["id"] == "77.server"
    assert not site.pbs.calls()


def test_a_job_that_started_while_a_second_was_submitted_stays_and_the_second_is_deleted(
    site: Site, tmp_path: Path
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


def test_of_several_jobs_of_one_name_the_first_is_kept(site: Site) -> None:
    (site.run / "intent").write_text('{"ended": 255}')
    site.pbs.says("qselect", 0, stdout="100.server\n99.server\n")
    assert site.one()["id"] == "99.server"
    assert [call[1] for call in site.pbs.calls("qdel")] == ["100.server"]


def test_an_empty_jobid_is_none(site: Site) -> None:
    """What a crash of a file server leaves."""
    (site.run / "jobid").write_text("")
    (site.run / "intent").write_text('{"ended": null}')
    site.pbs.says("qselect", 0, stdout="5.server\n")
    assert site.one()["id"] == "5.server"
    assert site.jobid() == "5.server"


def test_a_qsub_that_hangs_is_killed_and_the_job_submitted_when_pbs_answers_again(
    site: Site, tmp_path: Path
) -> None:
    site.pbs.does("qsub", wait_for=str(tmp_path / "never"))
    answer = site.one(qsub_s=0.3)
    assert (answer["answer"], answer["words"]) == ("unclear", "no answer within 0.3 s")
    site.pbs.works("qsub")
    assert site.one()["answer"] == "accepted"
    assert len(site.pbs.jobs()) == 1


# -- several at once --------------------------------------------------------------------------------------


def test_two_that_ask_at_once_get_the_same_job(site: Site, tmp_path: Path) -> None:
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


def test_a_hundred_and_twenty_three_retries_make_one_job(site: Site, tmp_path: Path) -> None:
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


def test_retries_that_are_killed_at_any_moment_make_one_job(site: Site) -> None:
    """The processes that submit, one after the other, killed a little later each time."""
    for trial in range(12):
        assert site.one(wait_s=0.001)["answer"] in ("unclear", "accepted")
        time.sleep(0.006 * trial)
        holders = [read_record(str(path)) for path in site.run.glob("lock/*/holder.json")]
        for pid in {holder.get("pid") for holder in holders} - {None}:
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


def test_whoever_asked_may_be_killed_without_harm(site: Site, tmp_path: Path) -> None:
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


def test_nothing_is_left_running_and_no_zombie(site: Site) -> None:
    site.one()
    mine = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    for pid in Path(mine).read_text().split():
        assert b"pbs_detached" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
