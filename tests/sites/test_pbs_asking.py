"""How PBS is found, asked after jobs, and told to stop, hold and release them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.helper import pbs_commands, pbs_look
from bocr_tui.sites.scheduler.base import Accepted, Later, Look, Rejected, SubmitOrder, Unclear
from bocr_tui.sites.scheduler.pbs.scheduler import PbsScheduler
from bocr_tui.sites.transport.base import NeedsPerson, NeverSent, TransportLost
from bocr_tui.sites.transport.local import LocalTransport
from tests.sites.pbs_fakes import FakePbs
from tests.sites.pbs_recordings import as_text, recording

USER = pbs_commands.user_name()


class Site:
    """A PbsScheduler on this machine over a fake PBS."""

    def __init__(self, folder: Path) -> None:
        self.pbs = FakePbs(folder / "pbs")
        self.root = folder / "site"
        config = SiteConfig(scheduler="pbs", pbs_exec=str(self.pbs.folder))
        self.scheduler = PbsScheduler(LocalTransport(self.root), config)

    def stage(self, token: str) -> Path:
        run = self.root / "runs" / token
        run.mkdir(parents=True)
        (run / "job.sh").write_text("#!/bin/bash\n")
        return run

    async def look(self, jobs: Mapping[str, str]) -> Look:
        return await self.scheduler.look(jobs)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def job(number: int, state: str = "R", **more: object) -> str:
    lines = [f"Job Id: {number}.server", f"    Job_Name = b{number}", f"    Job_Owner = {USER}@login"]
    lines += [f"    job_state = {state}", *(f"    {name} = {value}" for name, value in more.items())]
    return "\n".join(lines) + "\n    Variable_List = A=1,\n\tB=2\n\n"


def ids(count: int) -> dict[str, str]:
    return {f"b{number}": f"{number}.server" for number in range(1, count + 1)}


# -- looking ----------------------------------------------------------------------------------------------


async def test_without_jobs_nobody_is_asked(site: Site) -> None:
    assert await site.look({}) == Look()
    assert not site.pbs.calls()


async def test_a_few_jobs_are_asked_by_id_with_history(site: Site) -> None:
    site.pbs.says("qstat", 0, stdout=job(1) + job(2, "F", substate=92, Exit_status=0))
    look = await site.look(ids(2))
    assert {token: view.state for token, view in look.views.items()} == {"b1": "running", "b2": "ended"}
    assert [call[:-2] for call in site.pbs.calls("qstat")] == [
        ["qstat", "-x", "-f", "-w", "1.server", "2.server"]
    ]


async def test_many_jobs_are_asked_by_one_listing_without_history(site: Site) -> None:
    others = "".join(job(number) for number in range(1000, 1400))
    site.pbs.says("qstat", 0, stdout=others + "".join(job(number) for number in range(1, 41)))
    look = await site.look(ids(40))
    assert len(look.views) == 40 and not look.problem
    assert [call[:-2] for call in site.pbs.calls("qstat")] == [["qstat", "-f", "-w"]]


async def test_jobs_that_vanished_from_the_listing_are_asked_by_id_a_few_at_a_time(site: Site) -> None:
    """All get their turn, and no qstat is ever called with more ids, or without any."""
    living = "".join(job(number) for number in range(1, 11))
    asked: list[str] = []
    for _ in range(3):
        site.pbs.does(
            "qstat",
            first={"status": 0, "stdout": living},
            status=153,
            stderr="".join(f"qstat: Unknown Job Id {number}.server\n" for number in range(11, 31)),
        )
        before = len(site.pbs.calls("qstat"))
        look = await site.look(ids(30))
        by_id = site.pbs.calls("qstat")[before + 1][4:-2]
        assert len(by_id) <= pbs_look.MOST_BY_ID and all(by_id)
        unknown = {token for token, view in look.views.items() if view.state == "unknown"}
        assert unknown == {f"b{one.split('.')[0]}" for one in by_id}
        asked += by_id
    assert sorted(set(asked)) == sorted(f"{number}.server" for number in range(11, 31))


async def test_where_no_history_is_kept_the_living_jobs_are_asked(site: Site) -> None:
    no_history = "qstat: PBS is not configured to maintain job history 1.server\n"
    unknown = "qstat: Unknown Job Id 1.server\n"
    site.pbs.does("qstat", first={"status": 0, "stderr": no_history}, status=153, stderr=unknown)
    look = await site.look(ids(1))
    assert look.views["b1"].state == "unknown"
    assert ["-x" in call for call in site.pbs.calls("qstat")] == [True, False]


async def test_a_qstat_that_does_not_know_w_is_asked_without(site: Site) -> None:
    usage = "qstat: option w can be used only with option a, n, T or s\nusage: qstat\n"
    site.pbs.does("qstat", first={"status": 2, "stderr": usage}, status=0, stdout=job(1))
    assert (await site.look(ids(1))).views["b1"].state == "running"
    site.pbs.does(
        "qstat", first={"status": 2, "stderr": usage}, status=0, stdout="".join(map(job, range(1, 9)))
    )
    assert len((await site.look(ids(8))).views) == 8


@pytest.mark.parametrize(
    "name", ["server_down_qstat_f_json", "qstat_f_json_three_ids_reserved_ports_exhausted"]
)
@pytest.mark.parametrize("count", [2, 30])
async def test_a_server_in_trouble_says_nothing_of_any_job(site: Site, name: str, count: int) -> None:
    one = recording("master", name)
    site.pbs.says("qstat", one.exit_status, as_text(one.stdout).decode(), one.stderr.decode())
    look = await site.look(ids(count))
    assert not look.views and look.problem
    assert len(site.pbs.calls("qstat")) == 1, "nor is it asked more"


async def test_a_server_that_hangs_is_left_after_its_time(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pbs_look, "LISTING_S", 0.3)
    monkeypatch.setattr(pbs_look, "BY_ID_S", 0.3)
    site.pbs.does("qstat", wait_for=str(tmp_path / "never"))
    for count in (1, 20):
        look = await site.look(ids(count))
        assert look.problem == "PBS does not answer; its server hangs or is overloaded."
        assert not look.views


async def test_ids_that_are_none_are_never_asked(site: Site) -> None:
    assert await site.look({"b1": "", "b2": "workq", "b3": "-Q", "b4": "1.s x"}) == Look()
    assert not site.pbs.calls()


async def test_pbs_that_is_not_there_is_a_problem_in_words(tmp_path: Path) -> None:
    scheduler = PbsScheduler(LocalTransport(tmp_path), SiteConfig(scheduler="pbs", pbs_exec="/nowhere"))
    look = await scheduler.look(ids(1))
    assert "no PBS commands in /nowhere" in look.problem and "pbs_exec" in look.problem


async def test_another_dialect_is_refused_in_words(tmp_path: Path) -> None:
    torque = FakePbs(tmp_path / "torque", version="Version: 6.1.2\nCommit: 661e092")
    scheduler = PbsScheduler(
        LocalTransport(tmp_path), SiteConfig(scheduler="pbs", pbs_exec=str(torque.folder))
    )
    look = await scheduler.look(ids(1))
    assert "Version: 6.1.2" in look.problem and "Torque" in look.problem
    assert not torque.calls()
    (answer,) = await scheduler.submit([SubmitOrder("b1")])
    assert isinstance(answer, Later) and "Torque" in answer.words


# -- submitting, as the panel sees it ---------------------------------------------------------------------


async def test_answers_come_in_the_order_of_the_orders(site: Site) -> None:
    for token in ("bone", "btwo", "bthree"):
        site.stage(token)
    site.pbs.does("qsub", first={"status": 187, "stderr": "qsub: Unknown resource: ngpus\n"})
    answers = await site.scheduler.submit(
        [SubmitOrder("bone"), SubmitOrder("btwo", held=True), SubmitOrder("bthree")]
    )
    assert answers[0] == Rejected(
        "qsub: Unknown resource: ngpus. Mend select in the site's [pbs] table: this PBS has no such resource."
    )
    accepted = [answer.scheduler_id for answer in answers if isinstance(answer, Accepted)]
    assert sorted(accepted) == ["1.server", "2.server"], "they are submitted beside each other"
    held, free = (site.pbs.jobs()[int(one.partition(".")[0])] for one in accepted)
    assert held["held"] and not free["held"]


class _Broken(LocalTransport):
    """Fails as a link does."""

    def __init__(self, error: SiteError) -> None:
        super().__init__(Path("/nowhere"))
        self._error = error

    async def call(self, function: str, *arguments: object, timeout_s: float = 60.0) -> Any:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NeverSent("no link"), Later),
        (TransportLost("cut"), Unclear),
        (SiteError("no PBS", "Set pbs_exec."), Later),
    ],
)
async def test_a_link_that_fails_leaves_no_doubt_that_is_not_there(error: SiteError, kind: type) -> None:
    scheduler = PbsScheduler(_Broken(error), SiteConfig(scheduler="pbs"))
    answers = await scheduler.submit([SubmitOrder("bone"), SubmitOrder("btwo")])
    assert [type(answer) for answer in answers] == [kind, kind]


async def test_a_link_that_waits_for_a_person_says_so() -> None:
    scheduler = PbsScheduler(_Broken(NeedsPerson("a code")), SiteConfig(scheduler="pbs"))
    with pytest.raises(NeedsPerson):
        await scheduler.submit([SubmitOrder("bone")])
    with pytest.raises(NeedsPerson):
        await scheduler.look(ids(1))


@pytest.mark.parametrize(
    "said", [None, [], [{"token": "bone"}], [{"token": "bone", "answer": "accepted", "id": "x y"}]]
)
async def test_an_answer_that_cannot_be_read_is_unclear(said: object) -> None:
    class Odd(LocalTransport):
        async def call(self, function: str, *arguments: object, timeout_s: float = 60.0) -> Any:
            return said

    scheduler = PbsScheduler(Odd(Path("/nowhere")), SiteConfig(scheduler="pbs"))
    assert isinstance((await scheduler.submit([SubmitOrder("bone")]))[0], Unclear)
    assert (await scheduler.look(ids(1))).problem


# -- stopping, holding, releasing -------------------------------------------------------------------------


async def test_a_job_is_asked_to_stop_by_its_file_and_deleted_only_by_force(site: Site) -> None:
    run = site.stage("b1")
    await site.scheduler.stop("b1", "1.server", force=False)
    assert (run / "stop").exists()
    assert not site.pbs.calls()
    await site.scheduler.stop("b1", "1.server", force=True)
    assert [call[1] for call in site.pbs.calls("qdel")] == ["1.server"]


async def test_a_job_without_an_id_is_deleted_by_its_folder_s_or_its_name(site: Site) -> None:
    run = site.stage("b1")
    site.pbs.says("qselect", 0, stdout="8.server\n")
    await site.scheduler.stop("b1", None, force=True)
    (run / "jobid").write_text("9.server\n")
    await site.scheduler.stop("b1", None, force=True)
    site.stage("b2")
    site.pbs.says("qselect", 0)
    await site.scheduler.stop("b2", None, force=True)
    assert [call[1] for call in site.pbs.calls("qdel")] == ["8.server", "9.server"]


@pytest.mark.parametrize("status", [0, 35, 153, 168])
async def test_a_job_that_is_gone_or_going_is_stopped(site: Site, status: int) -> None:
    run = site.stage("b1")
    site.pbs.says("qdel", status, stderr="qdel: whatever\n" if status else "")
    await site.scheduler.stop("b1", "1.server", force=True)
    assert (run / "stop").exists()
    assert [call[:-2] for call in site.pbs.calls("qdel")] == [["qdel", "1.server"]], "asked once, not again"


async def test_a_stop_that_pbs_refuses_or_does_not_hear_is_told(site: Site) -> None:
    site.stage("b1")
    site.pbs.says("qdel", 159, stderr="qdel: Unauthorized Request  1.server\n")
    with pytest.raises(SiteError, match="Unauthorized"):
        await site.scheduler.stop("b1", "1.server", force=True)
    site.pbs.says("qdel", 162, stderr="Connection refused\n")
    with pytest.raises(TransportLost, match="Connection refused"):
        await site.scheduler.stop("b1", "1.server", force=True)


async def test_a_queued_job_is_held_and_a_running_one_is_not(site: Site) -> None:
    site.pbs.says("qstat", 0, stdout=job(1, "Q"))
    await site.scheduler.hold("b1", "1.server")
    assert len(site.pbs.calls("qhold")) == 1
    site.pbs.says("qstat", 0, stdout=job(1, "R"))
    with pytest.raises(SiteError, match="cannot be held any more: it has started"):
        await site.scheduler.hold("b1", "1.server")
    assert len(site.pbs.calls("qhold")) == 1
    site.pbs.says("qstat", 35, stderr="qstat: 1.server Job has finished\n")
    site.pbs.says("qhold", 35, stderr="qhold: Job has finished\n")
    with pytest.raises(SiteError, match="Job has finished"):
        await site.scheduler.hold("b1", "1.server")


async def test_releasing_what_is_not_held_or_gone_is_no_error(site: Site) -> None:
    site.pbs.does("qrls", first={"status": 153, "stderr": "qrls: Unknown Job Id 1.server\n"})
    await site.scheduler.release(ids(3))
    assert [call[1] for call in site.pbs.calls("qrls")] == ["1.server", "2.server", "3.server"]
    site.pbs.says("qrls", 162, stderr="Connection refused\n")
    with pytest.raises(TransportLost):
        await site.scheduler.release(ids(3))
    assert len(site.pbs.calls("qrls")) == 4, "not one timeout after the other"


@pytest.mark.parametrize("job_id", ["", "-x", "a", "1.s;ls", "all"])
async def test_nothing_is_done_to_what_is_no_job(site: Site, job_id: str) -> None:
    site.stage("b1")
    for act in (
        site.scheduler.hold("b1", job_id),
        site.scheduler.release({"b1": job_id}),
        *([site.scheduler.stop("b1", job_id, force=True)] if job_id else []),
    ):
        with pytest.raises(SiteError, match="is no job's id"):
            await act
    assert not site.pbs.calls()


async def test_the_doctor_hears_what_the_server_says(site: Site) -> None:
    server = as_text(recording("release", "qstat_B_f_json").stdout, "Server").decode()
    site.pbs.does(
        "qstat", first={"status": 0, "stdout": server}, status=0, stdout="Queue: gpu\n    enabled = True\n\n"
    )
    said = await site.scheduler.server()
    assert (said.version, said.state, said.user) == ("23.06.06", "Active", USER)
    assert said.queues["gpu"].enabled and not said.queues["gpu"].started
    assert [call[1:-2] for call in site.pbs.calls("qstat")] == [["-B", "-f"], ["-Q", "-f"]]
