"""Submitting to PBS: what qsub is called with, and what its answers mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bocr_tui.sites.helper import pbs_qsub
from bocr_tui.sites.helper.pbs import submit_pbs
from bocr_tui.sites.helper.pbs_commands import Ended, Pbs
from bocr_tui.sites.helper.refusal import Refused
from tests.sites.pbs_fakes import TOKEN, SubmitSite


@pytest.fixture
def site(tmp_path: Path) -> SubmitSite:
    return SubmitSite(tmp_path)


# -- the plain way ----------------------------------------------------------------------------------------


def test_a_job_is_submitted_once_and_answered_from_its_folder_afterwards(site: SubmitSite) -> None:
    answers = [site.one() for _ in range(5)]
    assert {(answer["answer"], answer["id"]) for answer in answers} == {("accepted", "1.server")}
    assert len(site.pbs.calls("qsub")) == 1
    assert site.jobid() == "1.server"
    assert "1.server" in (site.run / "submit.log").read_text()


def test_what_was_asked_before_is_looked_for_by_its_name_even_without_a_trace(site: SubmitSite) -> None:
    site.one()
    for trace in ("jobid", "intent"):
        (site.run / trace).unlink()
    (answer,) = site.submit({"token": TOKEN, "again": True})
    assert (answer["answer"], answer["id"]) == ("accepted", "1.server")
    assert len(site.pbs.calls("qsub")) == 1


def test_what_was_asked_before_and_never_arrived_is_submitted(site: SubmitSite) -> None:
    (answer,) = site.submit({"token": TOKEN, "again": True})
    assert answer["answer"] == "accepted"
    assert len(site.pbs.calls("qsub")) == 1


def test_qsub_is_called_by_its_path_in_the_run_folder_without_a_shell(site: SubmitSite) -> None:
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


def test_many_jobs_are_submitted_by_one_call_and_answered_in_order(site: SubmitSite) -> None:
    tokens = [f"bmany{number}" for number in range(20)]
    for token in tokens:
        site.stage(token)
    answers = site.submit(*tokens)
    assert [answer["token"] for answer in answers] == tokens
    assert {answer["id"] for answer in answers} == {f"{number}.server" for number in range(1, 21)}
    for token, answer in zip(tokens, answers, strict=True):
        assert (site.run.parent / token / "jobid").read_text().strip() == answer["id"]


def test_files_of_a_submission_are_private(site: SubmitSite) -> None:
    site.one()
    for path in site.run.rglob("*"):
        if path.name != "job.sh":
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_pbs_that_is_too_old_for_an_option_goes_without_it(site: SubmitSite) -> None:
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
def test_a_root_that_pbs_would_not_take_is_refused_before_anything(site: SubmitSite, root: str) -> None:
    with pytest.raises(Refused, match="PBS does not take the path"):
        submit_pbs(root, [{"token": TOKEN}], site.pbs.options)
    assert not site.pbs.calls()


@pytest.mark.parametrize("order", [{"token": "../x"}, {"token": "a b"}, {}, {"token": TOKEN, "after": "x;y"}])
def test_what_is_no_token_or_no_id_is_refused(site: SubmitSite, order: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        site.submit(order)
    assert not site.pbs.calls()


def test_without_pbs_nothing_is_done(site: SubmitSite) -> None:
    with pytest.raises(Refused, match="no PBS commands in /nowhere") as refusal:
        site.one(pbs_exec="/nowhere")
    assert "pbs_exec" in refusal.value.next_step
    assert sorted(path.name for path in site.run.iterdir()) == ["job.sh"]


def test_a_run_folder_that_is_gone_is_rejected(site: SubmitSite) -> None:
    (answer,) = site.submit("bnowhere")
    assert answer["answer"] == "rejected" and "not there" in answer["words"]


# -- refusals ---------------------------------------------------------------------------------------------


def test_a_refusal_is_told_in_pbs_s_own_words_and_may_be_mended(site: SubmitSite) -> None:
    site.pbs.says("qsub", 170, stderr="qsub: Unknown queue\n")
    answer = site.one()
    assert (answer["answer"], answer["words"], answer["status"]) == ("rejected", "qsub: Unknown queue", 170)
    assert not (site.run / "intent").exists()
    site.pbs.works("qsub")
    assert site.one()["answer"] == "accepted"
    assert len(site.pbs.jobs()) == 1


def test_hostile_words_are_made_plain(site: SubmitSite) -> None:
    site.pbs.says(
        "qsub", 159, stderr="qsub: \x1b[31mUnauthorized\x07 \u202e" + "x" * 5000 + "\nusage: qsub\n"
    )
    words = site.one()["words"]
    assert words.isprintable() and len(words) <= 500
    assert words.startswith("qsub: ")


def test_a_limit_on_jobs_means_later_and_spares_the_others_of_the_call(site: SubmitSite) -> None:
    for token in ("blater1", "blater2"):
        site.stage(token)
    site.pbs.says("qsub", 38, stderr="qsub: would exceed queue generic's per-user limit\n")
    answers = site.submit(TOKEN, "blater1", "blater2")
    assert [answer["answer"] for answer in answers] == ["later"] * 3
    assert len(site.pbs.calls("qsub")) == 1
    site.pbs.works("qsub")
    assert [answer["answer"] for answer in site.submit(TOKEN, "blater1", "blater2")] == ["accepted"] * 3


def test_a_rejection_does_not_keep_the_others_from_being_submitted(site: SubmitSite) -> None:
    site.stage("bother1")
    site.pbs.does("qsub", first={"status": 188, "stderr": "qsub: Job violates queue limits\n"})
    assert [answer["answer"] for answer in site.submit(TOKEN, "bother1")] == ["rejected", "accepted"]


@pytest.mark.parametrize("status", [160, 162, 171, 183, 186, 255, 57, 99, 254])
def test_what_is_no_clear_refusal_is_cleared_up_by_asking_for_the_name(site: SubmitSite, status: int) -> None:
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
def test_an_answer_without_one_id_is_no_answer(site: SubmitSite, stdout: str) -> None:
    site.pbs.says("qsub", 0, stdout=stdout)
    assert site.one()["answer"] == "unclear"
    assert not (site.run / "jobid").exists()


def test_words_of_the_site_around_the_id_are_passed_over(site: SubmitSite) -> None:
    site.pbs.says("qsub", 0, stdout="Welcome to our cluster\n41.server.example.org\nProject ocr: 12 h left\n")
    assert site.one()["id"] == "41.server.example.org"


def test_of_two_that_find_an_option_unknown_at_once_neither_is_rejected_for_it(
    site: SubmitSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one has taken it out while this one's qsub ran."""
    qsub = pbs_qsub.Qsub(Pbs(str(site.pbs.bin), "19.0"), 5.0)
    calls: list[list[str]] = []

    def run(argv: list[str], *_: object, **__: object) -> Ended:
        calls.append(argv)
        if "-f" in argv:
            qsub._options = {"-k": ("-k", "oed")}
            return Ended(2, b"", b"qsub: invalid option -- 'f'\n")
        return Ended(0, b"7.server\n", b"")

    monkeypatch.setattr(pbs_qsub, "run_command", run)
    assert qsub.call(str(site.run), TOKEN, False, "", lambda pid: None).status == 0
    assert len(calls) == 2
