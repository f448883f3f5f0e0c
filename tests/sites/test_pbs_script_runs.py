"""The job script for PBS: how it behaves when bash runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bocr_worker.protocol.exit_report import ExitReport, load_exit_report
from tests.sites.pbs_scripts import TOKEN, script, site

WORKER = """
import json, os, signal, sys, time
from pathlib import Path
run = Path(sys.argv[1])
names = ("HF_HUB_OFFLINE", "LANG", "TMPDIR", "TRITON_CACHE_DIR", "OMP_NUM_THREADS", "FROM_SETUP",
         "HF_HOME", "CUDA_VISIBLE_DEVICES")
(run / "saw.json").write_text(json.dumps({
    "argv": sys.argv[1:], "cwd": os.getcwd(), "umask": os.umask(0o077),
    **{name: os.environ.get(name) for name in names},
}))
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
what = (run / "do").read_text()
print("worker says", what, flush=True)
(run / "ready").touch()
if what == "wait":
    while not stopped:
        time.sleep(0.02)
    (run / "stopping").touch()
    time.sleep(0.2)
    (run / "flushed").touch()
    (run / "exit.json").write_text('{"version": 1, "token": "%s", "outcome": "partial"}' % run.name)
    sys.exit(4)
if what == "die":
    os.kill(os.getpid(), signal.SIGKILL)
if what == "ignore":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    (run / "deaf").touch()
    time.sleep(60)
sys.exit(int(what))
"""


class Run:
    """A run folder with a job script and a stand-in for the worker."""

    def __init__(self, root: Path, text: str, what: str) -> None:
        self.folder = root / "runs" / TOKEN
        self.folder.mkdir(parents=True)
        (root / "workers" / "0a1b").mkdir(parents=True)
        (root / "workers" / "0a1b" / "__main__.py").write_text(WORKER)
        (self.folder / "manifest.json").write_text("{}")
        (self.folder / "do").write_text(what)
        self.script = root / "spooled.sh"
        self.script.write_text(text)
        self.home = root / "home"
        self.home.mkdir()
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, job: str = "12.server", **environment: str) -> subprocess.Popen[bytes]:
        """As PBS does: in the home folder, from a copy, told of the folder by a variable."""
        asked = {"PBS_O_WORKDIR": str(self.folder), "PBS_JOBID": job, "HOME": str(self.home), **environment}
        process = subprocess.Popen(
            ["/bin/bash", str(self.script)],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], **asked},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> int:
        process.communicate(timeout=30)
        return process.returncode

    def wait_for(self, name: str) -> None:
        deadline = time.monotonic() + 20
        while not (self.folder / name).exists():
            assert time.monotonic() < deadline, (self.folder / "job.log").read_text()
            time.sleep(0.01)

    @property
    def log(self) -> str:
        return (self.folder / "job.log").read_text()

    @property
    def saw(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "saw.json").read_text()))

    def exit_report(self) -> ExitReport:
        return load_exit_report((self.folder / "exit.json").read_bytes())


MakeRun = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> Iterator[MakeRun]:
    made: list[Run] = []

    def make(what: str, **settings: object) -> Run:
        vendor = str(settings.pop("vendor", ""))
        made.append(Run(tmp_path / "site", script(site(**settings), vendor=vendor), what))
        return made[-1]

    yield make
    for run in made:
        for process in run.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def test_the_worker_is_told_its_folder_its_job_and_its_cores(make_run: MakeRun) -> None:
    run = make_run("0", cores=0, vendor="vendor/v1", setup=("cd /", "export FROM_SETUP=yes", "set -e"))
    assert run.end(run.start(NCPUS="7", OMP_NUM_THREADS="7")) == 0
    root = run.folder.parent.parent
    assert run.saw["argv"] == [
        str(run.folder),
        "--job",
        "12.server",
        "--cores",
        "7",
        "--vendor",
        str(root / "vendor/v1"),
    ]
    assert run.saw["cwd"] == str(run.folder)
    assert run.saw["umask"] == 0o077
    assert run.saw["FROM_SETUP"] == "yes"
    assert (run.saw["HF_HUB_OFFLINE"], run.saw["LANG"], run.saw["OMP_NUM_THREADS"]) == ("1", "C.UTF-8", "7")
    assert not run.folder.joinpath("exit.json").exists()
    assert run.folder.joinpath("jobid").read_text() == "12.server\n"
    assert "worker says 0" in run.log


def test_caches_lie_where_pbs_says_and_are_taken_away(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("0")
    (tmp_path / "scratch").mkdir()
    assert run.end(run.start(TMPDIR=str(tmp_path / "scratch"))) == 0
    assert run.saw["TMPDIR"] == str(tmp_path / "scratch")
    assert str(run.saw["TRITON_CACHE_DIR"]).startswith(str(tmp_path / "scratch"))
    assert not list((tmp_path / "scratch").iterdir())


def test_caches_find_another_place_where_that_one_is_missing(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("0")
    assert run.end(run.start(TMPDIR=str(tmp_path / "nowhere"))) == 0
    assert run.saw["TMPDIR"] in ("/tmp", "/var/tmp")
    assert str(run.saw["TRITON_CACHE_DIR"]).startswith(str(run.saw["TMPDIR"]))
    assert not Path(str(run.saw["TRITON_CACHE_DIR"])).parent.exists()
    assert "nowhere is missing, full" in run.log


def test_caches_lie_in_the_run_folder_where_every_disk_is_full(make_run: MakeRun, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "df").write_text("#!/bin/sh\necho Filesystem\necho /dev/sda1 9000000 8999000 1000 99% /\n")
    (programs / "df").chmod(0o755)
    run = make_run("0")
    (tmp_path / "scratch").mkdir()
    path = f"{programs}:{os.environ['PATH']}"
    assert run.end(run.start(TMPDIR=str(tmp_path / "scratch"), PATH=path)) == 0
    assert str(run.saw["TRITON_CACHE_DIR"]).startswith(str(run.folder))
    assert run.saw["TMPDIR"] == str(tmp_path / "scratch")
    assert not list(run.folder.glob("bocr-*"))


def test_a_home_s_weights_stay_where_they_are(make_run: MakeRun) -> None:
    run = make_run("0")
    assert run.end(run.start()) == 0
    assert str(run.saw["HF_HOME"]).startswith("/")
    (run.home / ".cache" / "huggingface").mkdir(parents=True)
    assert run.end(run.start()) == 0
    assert run.saw["HF_HOME"] is None
    assert run.end(run.start(HF_HOME="/models")) == 0
    assert run.saw["HF_HOME"] == "/models"


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ({"CUDA_VISIBLE_DEVICES": "GPU-3f,GPU-9a"}, "GPU-3f,GPU-9a"),
        ({"CUDA_VISIBLE_DEVICES": ""}, ""),
        ({"CUDA_VISIBLE_DEVICES": "1", "PBS_GPUFILE": "{file}"}, "1"),
        ({"PBS_GPUFILE": "{file}"}, "2,3"),
        ({"PBS_GPUFILE": "/nowhere"}, None),
        ({}, None),
    ],
)
def test_a_job_sees_the_gpus_that_pbs_gave_it(
    make_run: MakeRun, tmp_path: Path, told: dict[str, str], seen: str | None
) -> None:
    host = os.uname().nodename.partition(".")[0]
    gpus = tmp_path / "gpus"
    gpus.write_text(f"{host}-gpu2\n{host}-gpu3\nother-gpu0\n")
    run = make_run("0")
    variables = {name: value.replace("{file}", str(gpus)) for name, value in told.items()}
    assert run.end(run.start(HOSTNAME=host, **variables)) == 0
    assert run.saw["CUDA_VISIBLE_DEVICES"] == seen


@pytest.mark.parametrize(
    ("what", "code", "words"),
    [
        ("3", 3, "the worker ended without a report (exit status 3)"),
        ("die", 137, "the worker was killed, most often for want of memory"),
    ],
)
def test_a_worker_that_says_nothing_is_spoken_for(
    make_run: MakeRun, what: str, code: int, words: str
) -> None:
    run = make_run(what)
    assert run.end(run.start()) == code
    report = run.exit_report()
    assert (report.outcome, report.source, report.exit_code, report.cause, report.token) == (
        "error",
        "script",
        code,
        words,
        TOKEN,
    )
    assert not list(run.folder.glob(".*part"))


def test_a_python_that_is_not_there_is_named_as_the_cause(make_run: MakeRun) -> None:
    run = make_run("0", python="/nowhere/python3")
    assert run.end(run.start()) == 127
    assert "Python of this environment could not be started" in run.exit_report().cause


def test_setup_that_ends_the_job_is_reported(make_run: MakeRun) -> None:
    run = make_run("0", setup=("echo no such module >&2", "exit 9"))
    assert run.end(run.start()) == 9
    assert run.exit_report().cause.startswith("the job ended before its worker was started (exit status 9)")
    assert "no such module" in run.log


def test_setup_that_is_no_shell_is_reported(make_run: MakeRun) -> None:
    run = make_run("0", setup=('export A="unbalanced',))
    assert run.end(run.start()) != 0
    assert run.exit_report().outcome == "error"


def test_the_shell_waits_through_sigterm_for_the_worker_s_own_report(make_run: MakeRun) -> None:
    """PBS signals every process of the job; here the shell passes it on alone, and twice is no harm."""
    run = make_run("wait")
    process = run.start()
    run.wait_for("ready")
    os.kill(process.pid, signal.SIGTERM)
    run.wait_for("stopping")
    os.killpg(process.pid, signal.SIGTERM)
    assert run.end(process) == 4
    assert (run.folder / "flushed").exists()
    assert run.exit_report().source == "worker"


@pytest.mark.parametrize("setup", [(), ("set -euC", "trap 'echo gone' EXIT")], ids=["profile", "setup"])
def test_a_profile_s_own_strictness_ends_no_job(
    make_run: MakeRun, tmp_path: Path, setup: tuple[str, ...]
) -> None:
    """Some sites' profiles, and some people's lines, say `set -eu` and leave it so."""
    profile = tmp_path / "profile"
    profile.write_text("set -euC\n")
    run = make_run("wait", setup=setup)
    process = run.start(BASH_ENV=str(profile))
    run.wait_for("ready")
    os.kill(process.pid, signal.SIGTERM)
    assert run.end(process) == 4
    assert run.exit_report().source == "worker"
    (run.folder / "exit.json").unlink()
    (run.folder / "do").write_text("3")
    assert run.end(run.start(BASH_ENV=str(profile))) == 3
    assert "exit status 3" in run.exit_report().cause


def test_a_worker_that_dies_of_the_signal_is_stopped_and_not_in_error(make_run: MakeRun) -> None:
    run = make_run("ignore")
    process = run.start()
    run.wait_for("deaf")
    os.killpg(process.pid, signal.SIGTERM)
    assert run.end(process) == 143
    report = run.exit_report()
    assert (report.outcome, report.source, report.extra) == ("partial", "script", {"signal": "TERM"})


def test_a_second_job_of_a_run_does_nothing(make_run: MakeRun) -> None:
    run = make_run("0")
    (run.folder / "jobid").write_text("11.server\n")
    assert run.end(run.start("12.server")) == 0
    assert not (run.folder / "saw.json").exists()
    assert not (run.folder / "exit.json").exists()
    assert (run.folder / "jobid").read_text() == "11.server\n"
    assert "12.server is a second one" in run.log


def test_the_same_job_under_another_name_of_its_server_may_start_again(make_run: MakeRun) -> None:
    run = make_run("0")
    (run.folder / "jobid").write_text("12.server\n")
    assert run.end(run.start("12.server.example.org")) == 0
    assert run.saw["argv"][2] == "12.server.example.org"


def test_a_duplicate_that_the_worker_found_leaves_no_report(make_run: MakeRun) -> None:
    """Status 0 without a report: another start of this job is alive, and the run is not over."""
    run = make_run("0")
    assert run.end(run.start()) == 0
    assert not (run.folder / "exit.json").exists()


def test_a_report_that_is_there_is_never_replaced(make_run: MakeRun) -> None:
    run = make_run("3")
    (run.folder / "exit.json").write_text("the worker's")
    assert run.end(run.start()) == 3
    assert (run.folder / "exit.json").read_text() == "the worker's"


def test_started_elsewhere_it_touches_nothing(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run("0")
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "manifest.json").write_text("{}")
    for folder in (strange, tmp_path / "nowhere", run.home):
        process = run.start(PBS_O_WORKDIR=str(folder))
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 1
        assert b"is not the run folder" in said
    assert sorted(path.name for path in strange.iterdir()) == ["manifest.json"]
    assert not (run.folder / "job.log").exists()


def test_it_runs_without_pbs_too(make_run: MakeRun) -> None:
    run = make_run("0")
    done = subprocess.run(
        ["bash", str(run.script)], cwd=run.folder, timeout=30, env={"PATH": os.environ["PATH"]}
    )
    assert done.returncode == 0
    assert run.saw["argv"][:3] == [str(run.folder), "--job", ""]
