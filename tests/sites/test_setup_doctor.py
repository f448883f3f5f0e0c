"""What the doctor says of a site: each finding in words, with the next step."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_tui.config.model import Config, EnvironmentConfig, PbsConfig, SiteConfig, SplitConfig
from bocr_tui.sites.deploy import Prepared, prepare
from bocr_tui.sites.doctor import trial
from bocr_tui.sites.doctor.engines import environment_checks, model_checks, worker_checks
from bocr_tui.sites.doctor.examine import Examination, engines_of, examine
from bocr_tui.sites.doctor.login_node import login_checks
from bocr_tui.sites.doctor.pbs import amount, queue_checks, server_checks, wanted_resources
from bocr_tui.sites.doctor.trial import trial_check
from bocr_tui.sites.environments import EnvironmentFacts, Fitness, ModelFacts
from bocr_tui.sites.helper import calls
from bocr_tui.sites.helper.login import login_facts
from bocr_tui.sites.scheduler.base import Accepted, JobView, Later, Look, Rejected, Submission
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.scheduler.pbs.server import PbsQueue, PbsServer
from bocr_tui.sites.site import DIRECT_PATIENCE, Site
from bocr_tui.sites.transport.base import NeedsPerson, TransportLost
from bocr_tui.sites.transport.local import LocalTransport
from bocr_tui.sites.vendor import Lack
from bocr_worker.protocol.fields import Fields


def _by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def _site(tmp_path: Path, scheduler: Any = None, **settings: Any) -> Site:
    transport = LocalTransport(tmp_path / "site")
    chosen = scheduler or DirectScheduler(transport)
    return Site("here", SiteConfig(**settings), transport, chosen, 1, 1, 1, DIRECT_PATIENCE)


async def _examined(site: Site, **what: Any) -> list[Check]:
    return [check async for check in examine(site, Examination(("noop",), **what), lambda words: None)]


# -- the login node ------------------------------------------------------------------------------------


async def test_a_site_that_is_well_is_good_in_everything_and_left_clean(tmp_path: Path) -> None:
    site = _site(tmp_path)
    checks = await _examined(site)
    assert {check.state for check in checks} == {GOOD}, checks
    assert {"connection", "login node", "root", "disk", "scheduler", "environment noop", "worker noop"} <= {
        check.name for check in checks
    }
    assert "ran and reported" in checks[-1].said
    assert list((tmp_path / "site" / "runs").iterdir()) == []
    assert (tmp_path / "site").stat().st_mode & 0o077 == 0


def _facts(tmp_path: Path, **changed: Any) -> dict[str, Any]:
    facts = login_facts(str(tmp_path / "site"))
    facts["quotas"] = []
    facts["root"].update(changed.pop("root", {}))
    return {**facts, **changed}


LOGIN = [
    ({"root": {"mode": 0o755}}, "root", DOUBTFUL, "open to everybody", "chmod 700"),
    ({"root": {"mode": 0o750}}, "root", DOUBTFUL, "open to your group", "chmod 700"),
    ({"root": {"problem": "Permission denied"}}, "root", BAD, "cannot be written to", "another root"),
    ({"root": {"free_bytes": 10**9}}, "disk", DOUBTFUL, "1.0 of", "bocr clean"),
    ({"root": {"free_files": 10}}, "disk", DOUBTFUL, "only 10 more files", ""),
    ({"missing": ["bash"]}, "programs", BAD, "bash cannot be found", ""),
    ({"now": time.time() - 600}, "clock", DOUBTFUL, "s behind", ""),
    ({"quotas": ["/home 12G* 10G 11G"]}, "quota", BAD, "over its limit: /home 12G*", ""),
    ({"quotas": ["/home 3G 10G 11G\n\x1b[31m"]}, "quota", GOOD, "/home 3G 10G 11G", ""),
]


@pytest.mark.parametrize(("changed", "name", "state", "said", "step"), LOGIN)
def test_the_login_node_is_described(
    tmp_path: Path, changed: dict[str, Any], name: str, state: str, said: str, step: str
) -> None:
    check = _by_name(list(login_checks(Fields(_facts(tmp_path, **changed), "x"), 0.1)))[name]
    assert check.state == state
    assert said in check.said
    assert step in check.next_step


def test_a_root_that_cannot_be_made_is_said_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    facts = login_facts(str(tmp_path / "file" / "site"))
    assert facts["root"]["problem"]


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (NeedsPerson("its host key changed.", "Ask its administrators."), "connection"),
        (TransportLost("no route to host.", ""), "connection"),
    ],
)
async def test_without_a_connection_nothing_else_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, name: str
) -> None:
    site = _site(tmp_path)

    async def refuse(function: str, *arguments: object, timeout_s: float = 0.0) -> Any:
        raise error

    monkeypatch.setattr(site.transport, "call", refuse)
    (check,) = await _examined(site)
    assert (check.name, check.state) == (name, BAD)
    assert check.next_step


async def test_an_answer_that_makes_no_sense_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(calls.FUNCTIONS, "login_facts", lambda root: {"python": 3})
    checks = await _examined(_site(tmp_path), job=False, bring=False)
    assert "makes no sense" in _by_name(checks)["login node"].said


# -- PBS -----------------------------------------------------------------------------------------------

GPU = PbsQueue(
    "gpu_1d",
    enabled=True,
    started=True,
    execution=True,
    attributes={
        "resources_max.walltime": "24:00:00",
        "resources_max.mem": "200gb",
        "resources_min.ncpus": "2",
    },
)
SERVER = PbsServer("/opt/pbs/bin", "23.06.06", "reader", "login1", "Active", "workq", True, {"gpu_1d": GPU})


def _queue(**changed: Any) -> PbsServer:
    attributes = changed.pop("attributes", {})
    queue = PbsQueue(**{**GPU.__dict__, **changed, "attributes": {**GPU.attributes, **attributes}})
    return PbsServer(**{**SERVER.__dict__, "queues": {"gpu_1d": queue}})


ASKED = PbsConfig(queue="gpu_1d", select="1:ncpus=20:mem=180gb:ngpus=1", walltime="23:30:00")

QUEUES = [
    (SERVER, ASKED, GOOD, "at most 24:00:00", ""),
    (SERVER, PbsConfig(queue="gpu"), BAD, "there is no queue gpu", "Queues that take your jobs: gpu_1d"),
    (SERVER, PbsConfig(), BAD, "there is no queue workq", "gpu_1d"),
    (_queue(enabled=False), ASKED, BAD, "takes no jobs", ""),
    (_queue(started=False), ASKED, BAD, "runs no jobs", ""),
    (
        _queue(attributes={"acl_user_enable": "True", "acl_users": "other"}),
        ASKED,
        BAD,
        "not open to reader",
        "",
    ),
    (_queue(attributes={"acl_user_enable": "True", "acl_users": "reader@*"}), ASKED, GOOD, "takes", ""),
    (SERVER, ASKED.model_copy(update={"walltime": "24:00:01"}), BAD, "walltime asked for is more", ""),
    (SERVER, ASKED.model_copy(update={"select": "2:mem=110gb:ncpus=1"}), BAD, "mem asked for is more", ""),
    (SERVER, ASKED.model_copy(update={"select": "1:ncpus=1"}), BAD, "ncpus asked for is less", ""),
]


@pytest.mark.parametrize(("server", "asked", "state", "said", "step"), QUEUES)
def test_a_queue_is_held_against_what_is_asked_of_it(
    server: PbsServer, asked: PbsConfig, state: str, said: str, step: str
) -> None:
    (check,) = queue_checks(server, SiteConfig(scheduler="pbs", pbs=asked))
    assert check.state == state
    assert said in check.said
    assert step in check.next_step


def test_every_queue_that_a_job_would_go_to_is_looked_at() -> None:
    config = SiteConfig(
        pbs=ASKED,
        environments={"a": EnvironmentConfig(pbs=PbsConfig(queue="x")), "b": EnvironmentConfig()},
        split=SplitConfig(pbs=PbsConfig(queue="y")),
    )
    names = [check.name for check in queue_checks(SERVER, config)]
    assert names == ["queue gpu_1d", "queue x", "queue y"]


def test_a_limit_below_what_would_be_kept_there_is_said() -> None:
    limited = _queue(attributes={"max_queued": "[u:PBS_GENERIC=3]"})
    checks = list(queue_checks(limited, SiteConfig(pbs=ASKED, max_queued=8)))
    assert [check.state for check in checks] == [GOOD, DOUBTFUL]
    assert "max_queued = 3" in checks[1].next_step
    assert [check.state for check in queue_checks(limited, SiteConfig(pbs=ASKED, max_queued=3))] == [
        GOOD,
        GOOD,
    ]


def test_a_server_that_does_not_answer_or_forgets_is_said() -> None:
    silent = PbsServer("/opt/pbs/bin", "23", "reader", problem="PBS did not answer within 15 s.")
    assert [check.state for check in server_checks(silent)] == [BAD]
    assert list(queue_checks(silent, SiteConfig())) == []
    forgets = PbsServer(**{**SERVER.__dict__, "history": False})
    assert [check.state for check in server_checks(forgets)] == [GOOD, DOUBTFUL]
    idle = PbsServer(**{**SERVER.__dict__, "state": "Idle"})
    assert [check.state for check in server_checks(idle)] == [DOUBTFUL]


def test_resources_are_compared_as_pbs_counts_them() -> None:
    wanted = wanted_resources(PbsConfig(select="2:ncpus=3:mem=1gb+ncpus=1:mem=512mb", walltime="1:00:01"))
    assert wanted == {"ncpus": 7, "mem": 2 * 2**30 + 512 * 2**20, "walltime": 3601}
    assert [amount("mem", value) for value in ("10", "1KB", "2tb", "", "lots")] == [
        10,
        1024,
        2 << 40,
        None,
        None,
    ]
    assert [amount("walltime", value) for value in ("90", "1:30", "a", "")] == [90, 90, None, None]


# -- environments --------------------------------------------------------------------------------------

FACTS = EnvironmentFacts(
    (3, 10, 14), "cpython", "/envs/k/bin/python", "linux-x86_64", ("glibc", "2.28"), {"vllm": "0.11.2"}, {}
)


def test_an_environment_is_described_by_what_decides_its_work() -> None:
    (check,) = environment_checks("chandra", FACTS, Lack((), ()), "")
    assert check.said == "Python 3.10.14 at /envs/k/bin/python; vllm 0.11.2"
    lacking = [*environment_checks("chandra", FACTS, Lack(("pypdfium2>=5",), ()), None)][-1]
    assert (lacking.state, "lacks pypdfium2>=5" in lacking.said) == (DOUBTFUL, True)
    brought = [*environment_checks("chandra", FACTS, Lack(("pypdfium2>=5",), ()), "vendor/1")][-1]
    assert (brought.state, "lies in vendor/1" in brought.said) == (GOOD, True)
    unfit = [*environment_checks("chandra", FACTS, Lack((), ("numpy 1.1 (needed: >=1.24)",)), None)][-1]
    assert unfit.state == BAD
    old = EnvironmentFacts(**{**FACTS.__dict__, "version": (3, 9, 1), "failed": ("module load x",)})
    failed, too_old = environment_checks("chandra", old, Lack((), ()), None)
    assert (failed.state, "`module load x`" in failed.said) == (DOUBTFUL, True)
    assert (too_old.state, "3.10 or later" in too_old.next_step) == (BAD, True)


MODELS = [
    (ModelFacts("/m", True, True, 4, 18 * 10**9, 0), GOOD, "4 files, 18.0 GB"),
    (ModelFacts("/m", False, False, 0, 0, 0), BAD, "there is no folder /m"),
    (ModelFacts("/m", True, True, 4, 600, 4), BAD, "git-lfs never fetched 4 of 4"),
    (ModelFacts("/m", True, True, 0, 0, 0), DOUBTFUL, "holds no weights"),
    (ModelFacts("/m", True, False, 1, 10**9, 0), DOUBTFUL, "no config.json"),
]


@pytest.mark.parametrize(("model", "state", "said"), MODELS)
def test_a_models_folder_is_looked_into(model: ModelFacts, state: str, said: str) -> None:
    (check,) = model_checks("chandra", model)
    assert check.state == state
    assert said in check.said


WORKERS = [
    (Fitness(), GOOD, "can draw pages"),
    (Fitness(known=False, cause="there is no engine of this name"), DOUBTFUL, "has no engine chandra"),
    (Fitness(cause="no GPU", needs="Use a node."), DOUBTFUL, "cannot run on the login node: no GPU"),
    (Fitness(broken="pages cannot be drawn here: OSError: x"), BAD, "drawn here: OSError: x"),
    (Fitness(error="SyntaxError"), BAD, "does not start there: SyntaxError"),
    (None, BAD, "was not asked"),
]


@pytest.mark.parametrize(("fitness", "state", "said"), WORKERS)
def test_the_workers_own_word_is_passed_on(fitness: Fitness | None, state: str, said: str) -> None:
    (check,) = worker_checks("chandra", fitness, is_engine=True)
    assert check.state == state
    assert said in check.said


def test_engines_are_those_of_the_jobs_and_those_configured() -> None:
    site = SiteConfig(environments={"chandra": EnvironmentConfig()}, split=SplitConfig())
    config = Config(pipeline=("noop",), sites={"a": site, "b": SiteConfig(pipeline=("tesseract",))})
    assert engines_of(config, "a") == ("split", "noop", "chandra")
    assert engines_of(config, "b") == ("tesseract",)
    assert engines_of(Config(), "local")[0] == "rapidocr", "what reads where nothing is configured"


async def test_an_environment_that_cannot_be_entered_does_not_end_the_examination(tmp_path: Path) -> None:
    site = _site(tmp_path, environments={"noop": EnvironmentConfig(python="/no/python")})
    checks = _by_name(await _examined(site))
    assert checks["environment noop"].state == BAD
    assert checks["test job"].said.startswith("not tried")


# -- the test job --------------------------------------------------------------------------------------


class Stuck(DirectScheduler):
    """Takes jobs and says this of them; `stopped` says when it was asked to end them."""

    def __init__(self, transport: LocalTransport, answer: Submission, view: JobView | None) -> None:
        super().__init__(transport)
        self.answer, self.view = answer, view
        self.stopped: list[str] = []

    async def submit(self, orders: Any) -> list[Submission]:
        return [self.answer for _ in orders]

    async def look(self, jobs: Any) -> Look:
        if self.stopped:
            return Look({token: JobView("ended") for token in jobs})
        return Look(dict.fromkeys(jobs, self.view) if self.view else {})

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        self.stopped.append(token)


async def _tried(tmp_path: Path, answer: Submission, view: JobView | None) -> tuple[Check, Stuck]:
    scheduler = Stuck(LocalTransport(tmp_path / "site"), answer, view)
    site = _site(tmp_path, scheduler)
    check = await trial_check(site, "noop", Prepared("workers/x", ""), wait_s=0.0)
    assert list((tmp_path / "site" / "runs").iterdir()) == []
    return check, scheduler


async def test_a_test_job_that_waits_is_taken_back(tmp_path: Path) -> None:
    view = JobView("queued", words="Not Running: Not enough free nodes available")
    check, scheduler = await _tried(tmp_path, Accepted("7.login1"), view)
    assert check.state == DOUBTFUL
    assert "7.login1 was still queued" in check.said
    assert "Not enough free nodes" in check.said
    assert scheduler.stopped


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (Rejected("qsub: Unknown queue"), BAD, "refused: qsub: Unknown queue"),
        (Later("limit reached"), DOUBTFUL, "not taken for now: limit reached"),
    ],
)
async def test_a_test_job_that_is_not_taken_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Submission, state: str, said: str
) -> None:
    monkeypatch.setattr(trial, "_AGAIN_S", 0.0)
    check, _ = await _tried(tmp_path, answer, None)
    assert check.state == state
    assert said in check.said


async def test_a_test_job_nothing_is_heard_of_is_bad(tmp_path: Path) -> None:
    check, _ = await _tried(tmp_path, Accepted("7.login1"), None)
    assert (check.state, "nothing was heard" in check.said) == (BAD, True)
    running, _ = await _tried(tmp_path, Accepted("7.login1"), JobView("running"))
    assert (running.state, "gave no report" in running.said) == (BAD, True)


async def test_a_job_that_cannot_draw_says_why_in_its_log(tmp_path: Path) -> None:
    """The environment's lines come out somewhere else than on the login node, say."""
    environment = EnvironmentConfig(activate=("echo 'no module anaconda3' >&2",), python="/bin/false")
    site = _site(tmp_path, environments={"noop": environment})
    check = await trial_check(site, "noop", Prepared("workers/x", ""), wait_s=20)
    assert check.state == BAD
    assert "ended without a report" in check.said
    assert "no module anaconda3" in check.said
    (folder,) = (tmp_path / "site" / "runs").iterdir()
    assert f"{folder}/job.log" in check.next_step and "bocr doctor" in check.next_step
    assert "no module anaconda3" in (folder / "job.log").read_text(encoding="utf-8")


async def test_a_test_job_is_taken_back_when_the_person_leaves(tmp_path: Path) -> None:
    scheduler = Stuck(LocalTransport(tmp_path / "site"), Accepted("7.login1"), JobView("queued"))
    site = _site(tmp_path, scheduler)
    task = asyncio.create_task(trial_check(site, "noop", Prepared("workers/x", ""), wait_s=60))
    while not (tmp_path / "site" / "runs").exists() or not list((tmp_path / "site" / "runs").iterdir()):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scheduler.stopped
    assert list((tmp_path / "site" / "runs").iterdir()) == []


async def test_the_job_runs_where_the_environments_lines_lead(tmp_path: Path) -> None:
    """What a job script does before its Python, it does in a login shell of bash."""
    lines = (
        "if [[ -n $BASH_VERSION ]]; then",
        "  export WAS_HERE=$0",
        "fi",
        f"echo $WAS_HERE > {tmp_path}/seen",
    )
    site = _site(tmp_path, environments={"noop": EnvironmentConfig(activate=lines, python=sys.executable)})
    prepared = await prepare(site, "noop", print)
    check = await trial_check(site, "noop", prepared, wait_s=60)
    assert check.state == GOOD, check
    assert (tmp_path / "seen").read_text().strip()
