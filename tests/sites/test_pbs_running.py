"""The scheduler against a PBS that runs jobs: chains, ends and their causes, trouble and lost answers."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import PbsConfig, SiteConfig
from bocr_tui.sites import helper
from bocr_tui.sites.scheduler.base import (
    Accepted,
    JobView,
    Later,
    Rejected,
    ScriptOrder,
    SubmitOrder,
    Unclear,
)
from bocr_tui.sites.scheduler.pbs.scheduler import PbsScheduler
from bocr_tui.sites.transport.local import LocalTransport
from tests.pbs_double import Double

WORKER = """
import json, signal, sys, time
from pathlib import Path
run = Path(sys.argv[1])
orders = json.loads((run / "orders.json").read_text())
stopped = []
if not orders.get("deaf"):
    signal.signal(signal.SIGTERM, lambda *_: stopped.append("signal"))
else:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(run.parent / "order.txt", "a") as stream:
    stream.write(run.name + "\\n")
(run / "started").touch()
print("reading", flush=True)
until = time.monotonic() + orders.get("seconds", 0)
while time.monotonic() < until and not stopped and not (run / "stop").exists():
    time.sleep(0.02)
outcome = "partial" if time.monotonic() < until else "ok"
if not orders.get("silent"):
    (run / "exit.json").write_text(json.dumps({"version": 1, "token": run.name, "outcome": outcome}))
sys.exit(orders.get("status", 0 if outcome == "ok" else 4))
"""


class Site:
    """A site on this machine with the double for its PBS."""

    def __init__(self, folder: Path, pbs: Double) -> None:
        self.pbs = pbs
        self.root = folder / "site"
        self.config = SiteConfig(
            scheduler="pbs",
            pbs_exec=str(pbs.pbs_exec),
            python=sys.executable,
            pbs=PbsConfig(select="1:ncpus=1", walltime="00:10:00"),
        )
        self.scheduler = PbsScheduler(LocalTransport(self.root), self.config)
        worker = self.root / "workers" / "w1"
        worker.mkdir(parents=True)
        (worker / "__main__.py").write_text(WORKER)

    def stage(self, token: str, **orders: object) -> Path:
        wishes = PbsConfig.model_validate({**self.config.pbs.model_dump(), **orders.pop("pbs", {})})  # type: ignore[dict-item]
        config = self.config.model_copy(update={"pbs": wishes})
        run = self.root / "runs" / token
        run.mkdir(parents=True)
        (run / "job.sh").write_bytes(self.scheduler.script(ScriptOrder(token, "noop", "workers/w1", config)))
        (run / "manifest.json").write_text("{}")
        (run / "orders.json").write_text(json.dumps(orders))
        return run

    async def submit(self, token: str, *, held: bool = False, after: str | None = None) -> str:
        (answer,) = await self.scheduler.submit([SubmitOrder(token, held, after)])
        assert isinstance(answer, Accepted), answer
        return answer.scheduler_id

    async def view(self, token: str, job_id: str) -> JobView:
        look = await self.scheduler.look({token: job_id})
        assert not look.problem, look.problem
        return look.views[token]

    def ran(self) -> list[str]:
        path = self.root / "runs" / "order.txt"
        return path.read_text().split() if path.exists() else []


@pytest.fixture(scope="module")
def double(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("pbs")
    with Double.start(folder, slots=4, kill_delay_s=0.5, poll_s=0.05, schedule_s=0.02, stageout_s=0.1) as pbs:
        yield pbs


@pytest.fixture
async def site(tmp_path: Path, double: Double) -> AsyncIterator[Site]:
    yield Site(tmp_path, double)
    double.faults(server="up", slow_s=0.0, lose_ids=0, refuse=0, history=True, clock=1.0)
    for job in double.jobs():
        if job.state != "F":
            double.run("qdel", job.id)


async def until(happened: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_a_chain_is_held_until_all_of_it_is_taken_and_runs_in_order(site: Site) -> None:
    for token in ("bchain1", "bchain2"):
        site.stage(token)
    first = await site.submit("bchain1", held=True)
    second = await site.submit("bchain2", after=first)
    assert await site.view("bchain1", first) == JobView("held", None, "held by you")
    waiting = await site.view("bchain2", second)
    assert (waiting.state, waiting.words) == ("held", f"waits for job {first.split('.')[0]}")
    await site.scheduler.release({"bchain1": first})
    site.pbs.wait(second)
    assert site.ran() == ["bchain1", "bchain2"]
    assert (await site.view("bchain2", second)) == JobView("ended", "ok", "", 0)
    assert (site.root / "runs" / "bchain1" / "jobid").read_text().strip() == first


async def test_the_second_of_a_chain_runs_though_the_first_failed(site: Site) -> None:
    site.stage("bfail1", silent=True, status=3)
    site.stage("bfail2")
    first = await site.submit("bfail1", held=True)
    second = await site.submit("bfail2", after=first)
    await site.scheduler.release({"bfail1": first})
    site.pbs.wait(second)
    view = await site.view("bfail1", first)
    assert (view.state, view.cause, view.exit_status, view.words) == ("ended", "error", 3, "exit status 3")
    report = json.loads((site.root / "runs" / "bfail1" / "exit.json").read_text())
    assert (report["source"], report["outcome"], report["exit_code"]) == ("script", "error", 3)


async def test_a_job_that_depends_on_one_that_is_gone_never_ran(site: Site) -> None:
    site.stage("bnever1")
    job = await site.submit("bnever1", after="999999.login1")
    site.pbs.wait(job)
    assert (await site.view("bnever1", job)).cause == "never_ran"
    assert site.ran() == []


async def test_at_walltime_the_worker_flushes_and_the_cause_is_known(site: Site) -> None:
    run = site.stage("bwall1", seconds=60, pbs={"walltime": "00:00:20"})
    job = await site.submit("bwall1")
    await until((run / "started").exists)
    site.pbs.faults(clock=200.0)
    site.pbs.wait(job)
    view = await site.view("bwall1", job)
    assert (view.state, view.cause, view.exit_status) == ("ended", "walltime", -29)
    assert json.loads((run / "exit.json").read_text())["outcome"] == "partial"


async def test_a_worker_that_is_killed_for_not_listening_says_nothing(site: Site) -> None:
    run = site.stage("bdeaf1", seconds=60, deaf=True)
    job = await site.submit("bdeaf1")
    await until((run / "started").exists)
    site.pbs.run("qdel", job)
    site.pbs.wait(job)
    view = await site.view("bdeaf1", job)
    assert (view.cause, view.exit_status) == ("deleted", 271)
    if (run / "exit.json").exists():  # the shell may be the last one to be killed
        report = json.loads((run / "exit.json").read_text())
        assert (report["source"], report["outcome"]) == ("script", "partial")


async def test_a_stop_file_ends_a_job_without_the_scheduler(site: Site) -> None:
    run = site.stage("bstop1", seconds=60)
    job = await site.submit("bstop1")
    await until((run / "started").exists)
    await site.scheduler.stop("bstop1", job, force=False)
    assert site.pbs.wait(job).exit_status == 4
    assert json.loads((run / "exit.json").read_text())["outcome"] == "partial"
    await site.scheduler.stop("bstop1", job, force=True)


async def test_memory_that_runs_out_is_known_as_the_cause(site: Site) -> None:
    run = site.stage("bmem1", seconds=60)
    job = await site.submit("bmem1")
    await until((run / "started").exists)
    site.pbs.kill_for_memory(job)
    site.pbs.wait(job)
    assert (await site.view("bmem1", job)).cause == "memory"


async def test_a_held_job_says_who_holds_it_and_a_running_one_cannot_be_held(site: Site) -> None:
    run = site.stage("bhold1", seconds=60)
    job = await site.submit("bhold1", held=True)
    await site.scheduler.release({"bhold1": job})
    await until((run / "started").exists)
    with pytest.raises(SiteError, match="it has started"):
        await site.scheduler.hold("bhold1", job)
    assert "u" not in site.pbs.job(job).holds
    site.stage("bhold2", pbs={"select": "1:ncpus=4"})
    queued = await site.submit("bhold2")
    await until(lambda: "Not Running" in site.pbs.job(queued).comment)  # the scheduler has looked at it
    view = await site.view("bhold2", queued)
    assert view.state == "queued" and "Not Running" in view.words
    await site.scheduler.hold("bhold2", queued)
    assert (await site.view("bhold2", queued)).state == "held"


async def test_logs_are_there_while_the_job_runs_and_pbs_s_own_words_beside_them(site: Site) -> None:
    run = site.stage("blog1", seconds=60)
    job = await site.submit("blog1")
    await until(lambda: (run / "job.log").exists() and "reading" in (run / "job.log").read_text())
    await site.scheduler.stop("blog1", job, force=True)
    site.pbs.wait(job)
    assert "reading" in (run / "job.log").read_text()
    assert (run / "pbs.log").exists()


@pytest.mark.parametrize("lost", ["die", "empty", "garbage"])
async def test_an_answer_that_was_lost_is_found_again(site: Site, lost: str) -> None:
    token = f"blost{lost[0]}"
    site.stage(token)
    site.pbs.faults(lose_ids=1, lost_id=lost)
    (answer,) = await site.scheduler.submit([SubmitOrder(token, held=True)])
    assert isinstance(answer, Unclear)
    job = await site.submit(token, held=True)
    assert [one.id for one in site.pbs.jobs() if one.name == token] == [job]


async def test_while_the_server_is_down_nothing_is_learnt_or_lost(site: Site) -> None:
    run = site.stage("bdown1", seconds=60)
    site.stage("bdown2")
    job = await site.submit("bdown1")
    await until((run / "started").exists)
    site.pbs.faults(server="down")
    look = await site.scheduler.look({"bdown1": job})
    assert not look.views and "cannot be reached" in look.problem
    (answer,) = await site.scheduler.submit([SubmitOrder("bdown2")])
    assert isinstance(answer, Unclear)
    (again,) = await site.scheduler.submit([SubmitOrder("bdown2")])
    assert isinstance(again, Unclear)
    site.pbs.faults(server="up")
    assert (await site.view("bdown1", job)).state == "running"
    other = await site.submit("bdown2")
    assert [one.id for one in site.pbs.jobs() if one.name == "bdown2"] == [other]


async def test_without_history_a_finished_job_is_unknown(site: Site) -> None:
    site.pbs.faults(history=False)
    run = site.stage("bhist1")
    job = await site.submit("bhist1")
    await until((run / "exit.json").exists)
    deadline = time.monotonic() + 20
    while (view := await site.view("bhist1", job)).state != "unknown":
        assert view.state == "running" and time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def test_limits_and_refusals_are_told_apart(site: Site) -> None:
    site.stage("blimit1", pbs={"queue": "onejob"})
    site.stage("blimit2", pbs={"queue": "onejob"})
    site.stage("blimit3", pbs={"queue": "nosuch"})
    assert await site.submit("blimit1", held=True)
    (later,) = await site.scheduler.submit([SubmitOrder("blimit2")])
    (never,) = await site.scheduler.submit([SubmitOrder("blimit3")])
    assert isinstance(later, Later) and "limit" in later.words
    assert isinstance(never, Rejected) and never.words.startswith("qsub: Unknown queue. Mend queue")


async def test_a_job_that_is_started_twice_reads_once(site: Site) -> None:
    """Submitted a second time by hand, under another id: its script leaves without a word."""
    run = site.stage("btwice1", seconds=60)
    job = await site.submit("btwice1")
    await until((run / "started").exists)
    second = site.pbs.run("qsub", str(run / "job.sh"), cwd=run).stdout.decode().strip()
    assert second and second != job
    assert site.pbs.wait(second).exit_status == 0
    assert site.ran() == ["btwice1"]
    assert "is a second one and does nothing" in (run / "job.log").read_text()
    assert not (run / "exit.json").exists()


async def test_a_number_that_a_new_server_gave_to_another_job_of_ours_is_not_taken_for_this_one(
    site: Site,
) -> None:
    earlier, later = "bearlier" + "a" * 6, "blater" + "a" * 8
    site.stage(later, seconds=30)
    (answer,) = await site.scheduler.submit([SubmitOrder(later)])
    assert isinstance(answer, Accepted)
    look = await site.scheduler.look({earlier: answer.scheduler_id})
    assert look.views[earlier].state == "unknown"
    await site.scheduler.stop(earlier, answer.scheduler_id, force=True)
    look = await site.scheduler.look({later: answer.scheduler_id})
    assert look.views[later].state in ("queued", "running"), "it was not deleted in the other's stead"
    await site.scheduler.stop(later, answer.scheduler_id, force=True)


async def test_many_jobs_are_looked_at_by_one_listing(site: Site) -> None:
    jobs = {}
    tokens = [f"bmany{number}" for number in range(12)]
    for token in tokens:
        site.stage(token, seconds=0)
    answers = await site.scheduler.submit([SubmitOrder(token, held=True) for token in tokens])
    for token, answer in zip(tokens, answers, strict=True):
        assert isinstance(answer, Accepted)
        jobs[token] = answer.scheduler_id
    look = await site.scheduler.look(jobs)
    assert {view.state for view in look.views.values()} == {"held"} and len(look.views) == 12
    await site.scheduler.release({"bmany3": jobs["bmany3"]})
    site.pbs.wait(jobs["bmany3"])
    look = await site.scheduler.look(jobs)
    assert look.views["bmany3"] == JobView("ended", "ok", "", 0) and len(look.views) == 12
    assert not look.problem


OLD_SITE = """
import importlib, importlib.util, sys
folder, root, pbs_exec = sys.argv[1:]
where = dict(submodule_search_locations=[folder])
spec = importlib.util.spec_from_file_location("old", folder + "/__init__.py", **where)
sys.modules["old"] = importlib.util.module_from_spec(spec)
pbs, look = (importlib.import_module("old." + name) for name in ("pbs", "pbs_look"))
options = {"pbs_exec": pbs_exec}
(answer,) = pbs.submit_pbs(root, [{"token": "bold1", "hold": True}], options)
said = look.look_pbs(root, {"bold1": answer["id"]}, options)
assert said["by_id"]["status"] == 0 and b"job_state = H" in said["by_id"]["text"], said
assert pbs.release_pbs(root, [answer["id"]], options)[0]["answer"] == "ok"
print(answer["id"])
"""


def oldest_python() -> str:
    """From 3.6 on, of those that lie about."""
    names = [f"python3.{minor}" for minor in range(6, 12)]
    found = [path for name in names if (path := shutil.which(name))]
    found += map(str, Path.home().glob(".pyenv/versions/3.*/bin/python"))
    ask = "import sys; print(sys.version_info[:2] >= (3, 6) and '%d.%03d' % sys.version_info[:2])"
    versions = {
        path: subprocess.run([path, "-c", ask], capture_output=True, text=True).stdout.strip()
        for path in found
    }
    fit = {path: version for path, version in versions.items() if version.startswith("3.")}
    return min(fit, key=lambda path: fit[path], default=sys.executable)


def test_the_login_node_s_half_works_under_the_oldest_python_there_is(site: Site) -> None:
    site.stage("bold1")
    asked = [str(Path(helper.__file__).parent), str(site.root), str(site.pbs.pbs_exec)]
    done = subprocess.run([oldest_python(), "-IS", "-c", OLD_SITE, *asked], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert site.pbs.wait(done.stdout.decode().strip()).exit_status == 0


async def test_the_doctor_s_question_is_answered(site: Site) -> None:
    server = await site.scheduler.server()
    assert server.problem == "" and server.history and "workq" in server.queues
    assert Path(server.folder).samefile(site.pbs.pbs_exec / "bin")
