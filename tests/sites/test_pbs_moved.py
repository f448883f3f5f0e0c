"""A job that PBS moved to another server is asked after there, and ends only by what is known there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.helper.pbs_commands import is_id_at, job_number, user_name
from bocr_tui.sites.scheduler.base import JobView, Look
from bocr_tui.sites.scheduler.pbs.moved import MOST_ASKED, MovedJobs
from bocr_tui.sites.scheduler.pbs.scheduler import PbsScheduler
from bocr_tui.sites.transport.local import LocalTransport
from tests.sites.pbs_fakes import FakePbs

MOVED = JobView("queued", None, "moved to two, where alone it is known", moved_to="two")
UNKNOWN = JobView("unknown", None, "PBS knows no such job")
RUNNING = JobView("running")


class Servers:
    """What each server would say of jobs, by their ids with the server; and what was asked."""

    def __init__(self) -> None:
        self.says: dict[str, JobView] = {}
        self.asked: list[list[str]] = []
        self.moved = MovedJobs(self._ask)

    async def _ask(self, jobs: Mapping[str, str]) -> Mapping[str, JobView]:
        self.asked.append(list(jobs.values()))
        return {token: self.says[job_id] for token, job_id in jobs.items() if job_id in self.says}

    async def look(self, *first: JobView | None) -> list[JobView | None]:
        """One look, of as many jobs as the first server is asked for."""
        jobs = {f"b{number}": f"{number}.one" for number in range(len(first))}
        look = Look({token: view for token, view in zip(jobs, first, strict=True) if view is not None})
        found = await self.moved.follow(jobs, look)
        return [found.views.get(token) for token in jobs]


async def test_the_word_of_the_server_where_it_is_counts() -> None:
    servers = Servers()
    assert await servers.look(RUNNING) == [RUNNING] and not servers.asked
    servers.says = {"0.one@two": RUNNING}
    assert await servers.look(MOVED) == [RUNNING] and servers.asked == [["0.one@two"]]
    ended = JobView("ended", "deleted", "deleted", 271)
    servers.says = {"0.one@two": ended}
    assert await servers.look(MOVED) == [ended]
    servers.says = {"0.one@two": UNKNOWN}
    (view,) = await servers.look(MOVED)
    assert view is not None and (view.state, view.moved_to) == ("unknown", "two")
    servers.says = {"0.one@two": MOVED}
    (view,) = await servers.look(MOVED)
    assert view is not None and view.state == "unknown", "that was the first server's word"


async def test_a_server_that_does_not_answer_says_nothing_about_it() -> None:
    servers = Servers()
    assert await servers.look(MOVED) == [MOVED]
    assert await servers.look(UNKNOWN) == [None], "the first one may have forgotten whom it sent on"
    servers.says = {"0.one@two": RUNNING}
    assert await servers.look(MOVED) == [RUNNING]
    servers.says = {}
    assert await servers.look(MOVED) == [None], "what ran is not called queued"
    assert await servers.look(RUNNING) == [RUNNING], "it is back"
    assert await servers.look(UNKNOWN) == [UNKNOWN]


async def test_it_is_followed_from_server_to_server() -> None:
    servers = Servers()
    on = JobView("queued", None, "", moved_to="three:15001")
    servers.says = {"0.one@two": on, "0.one@three:15001": RUNNING}
    assert await servers.look(MOVED) == [on]
    assert await servers.look(MOVED) == [RUNNING]


async def test_many_moved_jobs_get_their_turns() -> None:
    servers = Servers()
    for _ in range(3):
        await servers.look(*[MOVED] * (2 * MOST_ASKED + 1))
    assert all(len(one) <= MOST_ASKED for one in servers.asked)
    assert len({job_id for one in servers.asked for job_id in one}) == 2 * MOST_ASKED + 1


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("12.one@two.example.org:15001", True),
        ("12.one", True),
        ("12@two", True),
        ("12.one@", False),
        ("12.one@-x", False),
        ("12.one@two;id", False),
        ("@two", False),
        ("12.one@two@three", False),
    ],
)
def test_only_a_plain_server_is_asked(text: str, good: bool) -> None:
    assert is_id_at(text) is good
    assert not good or job_number(text) == "12"


def _block(state: str, queue: str) -> str:
    lines = ["Job Id: 7.one", "    Job_Name = b7", f"    Job_Owner = {user_name()}@login"]
    return "\n".join(
        [*lines, f"    job_state = {state}", f"    queue = {queue}", "    substate = 94", "", ""]
    )


async def test_pbs_is_asked_by_the_id_and_the_server_that_it_names(tmp_path: Path) -> None:
    pbs = FakePbs(tmp_path / "pbs")
    config = SiteConfig(scheduler="pbs", pbs_exec=str(pbs.folder))
    scheduler = PbsScheduler(LocalTransport(tmp_path / "site"), config)
    moved = {"status": 0, "stdout": _block("M", "workq@two.example.org")}
    pbs.does("qstat", first=moved, status=0, stdout=_block("R", "workq"))
    assert (await scheduler.look({"b7": "7.one"})).views["b7"] == RUNNING
    last = [call[-3] for call in pbs.calls("qstat")]
    assert last == ["7.one", "7.one@two.example.org"]
    pbs.does("qstat", first=moved, status=153, stderr="qstat: Unknown Job Id 7.one\n")
    view = (await scheduler.look({"b7": "7.one"})).views["b7"]
    assert (view.state, view.moved_to) == ("unknown", "two.example.org")
    pbs.does("qstat", first=moved, status=171, stderr="qstat: cannot connect to server two.example.org\n")
    look = await scheduler.look({"b7": "7.one"})
    assert look == Look(), "and nothing is wrong with this site's own server"


async def test_a_server_whose_name_is_none_is_never_asked(tmp_path: Path) -> None:
    pbs = FakePbs(tmp_path / "pbs")
    config = SiteConfig(scheduler="pbs", pbs_exec=str(pbs.folder))
    scheduler = PbsScheduler(LocalTransport(tmp_path / "site"), config)
    for queue in ("workq", "workq@", "workq@-x two", "workq@[red]x"):
        pbs.says("qstat", 0, stdout=_block("M", queue))
        view = (await scheduler.look({"b7": "7.one"})).views["b7"]
        assert (view.state, view.moved_to) == ("queued", "") and "another server" in view.words
    assert len(pbs.calls("qstat")) == 4
