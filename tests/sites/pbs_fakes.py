"""A folder of PBS commands that do what a test says, and write down how they were called.

Each command is a small program that reads `<name>.json` beside it: {"status", "stdout", "stderr", "sleep_s"};
qsub gives a new id to each job it takes and qselect finds those by name, so that duplicates can be counted.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bocr_tui.sites.helper.pbs import submit_pbs
from bocr_tui.sites.helper.run_files import read_record

TOKEN = "bsubmit1"

_PROGRAM = r"""#!{python} -IS
import json, os, sys, time
here = os.path.dirname(os.path.abspath(__file__))
name = os.path.basename(__file__)
if sys.argv[1:] == ["--version"]:
    print(open(os.path.join(here, "version")).read())
    sys.exit(0)
with open(os.path.join(here, "calls.jsonl"), "a") as stream:
    stream.write(json.dumps([name, *sys.argv[1:], os.environ.get("TZ", ""), os.getcwd()]) + "\n")
try:
    with open(os.path.join(here, name + ".json")) as stream:
        orders = json.load(stream)
except FileNotFoundError:
    orders = dict()
first = orders.pop("first", None)
if first is not None:
    with open(os.path.join(here, name + ".json"), "w") as stream:
        json.dump(orders, stream)
    orders = first
arguments = sys.argv[1:]
jobs = os.path.join(here, "jobs")
if "wait_for" in orders:
    while not os.path.exists(orders["wait_for"]):
        time.sleep(0.01)
if "status" in orders:
    sys.stdout.buffer.write(orders.get("stdout", "").encode("utf-8", "surrogateescape"))
    sys.stderr.write(orders.get("stderr", ""))
    sys.stdout.flush()
    sys.exit(orders["status"])
if name == "qsub":
    for number in range(1, 100000):
        try:
            handle = os.open(os.path.join(jobs, str(number)), os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            continue
        break
    job = arguments[arguments.index("-N") + 1]
    os.write(handle, json.dumps(dict(name=job, held="-h" in arguments)).encode())
    if "then_wait_for" in orders:
        open(os.path.join(here, "taken"), "w").close()
        while not os.path.exists(orders["then_wait_for"]):
            time.sleep(0.01)
    print(f"{number}.server")
if name == "qselect":
    wanted = arguments[arguments.index("-N") + 1]
    for number in sorted(os.listdir(jobs), key=int):
        if json.load(open(os.path.join(jobs, number)))["name"] == wanted:
            print(f"{number}.server")
"""

NAMES = ("qsub", "qselect", "qstat", "qdel", "qhold", "qrls")


class FakePbs:
    """`folder` is what a site's pbs_exec says."""

    def __init__(self, folder: Path, version: str = "pbs_version = 23.06.06") -> None:
        self.folder = folder
        self.bin = folder / "bin"
        (self.bin / "jobs").mkdir(parents=True)
        (self.bin / "version").write_text(version)
        for name in NAMES:
            path = self.bin / name
            path.write_text(_PROGRAM.replace("{python}", sys.executable))
            path.chmod(0o700)

    def says(self, name: str, status: int = 0, stdout: str = "", stderr: str = "", **more: Any) -> None:
        """From now on the command says this and does nothing."""
        self.does(name, status=status, stdout=stdout, stderr=stderr, **more)

    def does(self, name: str, **orders: Any) -> None:
        (self.bin / f"{name}.json").write_text(json.dumps(orders))

    def works(self, name: str) -> None:
        (self.bin / f"{name}.json").unlink(missing_ok=True)

    def calls(self, name: str = "") -> list[list[str]]:
        """Arguments of each call, the command first; the time zone and the folder it ran in last."""
        path = self.bin / "calls.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [call for call in map(json.loads, lines) if not name or call[0] == name]

    def jobs(self) -> dict[int, dict[str, Any]]:
        """What qsub took."""
        return {int(path.name): json.loads(path.read_text()) for path in (self.bin / "jobs").iterdir()}

    @property
    def options(self) -> dict[str, Any]:
        return {"pbs_exec": str(self.folder)}


class SubmitSite:
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


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline, "it did not happen within 20 s"
        time.sleep(0.01)
