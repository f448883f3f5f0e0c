"""Playing the recorded commands against a double that has been put into the same situation.

A stage is a double whose users live in a folder that stands for `/`: what goes in has /home moved there,
what comes out has it moved back. Job ids are set to the recorded ones; times, process ids and used resources
are blotted out on both sides. Folded lines are joined: that folding itself is right is tested by folding the
recorded values again.
"""

from __future__ import annotations

import base64
import difflib
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.pbs_double.double import Double
from tests.pbs_double.settings import Queue, recorded_queues

DATA = Path(__file__).resolve().parents[1] / "data" / "pbs"
HPC_WORK = "/home/hpc/work"

TIMED_OUT = 124
"""What timeout(1) exits with when the time is up."""

FROZEN_S, PATIENCE_S = 0.5, 20.0
"""How long a recorded command that had a time limit gets here: where it never answered, and where it did."""

_BLOTS = (
    (rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d 20\d\d", b"DATE"),
    (rb"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} \d\d at \d\d:\d\d", b"MINUTE"),
    (rb"\b1[78]\d{8}\b", b"EPOCH"),
    (rb"(?m)^(\d+\.login1 +\w+ +\w+ +\S+) +\d+(?=   1 )", rb"\1 SESSION"),
    (rb"(exec_host\"?(:\t?\"?| = |=\"?)login1/)\d+", rb"\1SLOT"),
    (rb"(session_id\"?(:\t?| = |=))\d+", rb"\1SESSION"),
    (rb"(resources_used\.(cpupercent|cput|mem|vmem|walltime)( = |=))[^\n|]*", rb"\1USED"),
    (rb"(PBS_O_PATH(\"?:\t?\"|=))[^,\"\n]*", rb"\1PATH"),
)
_FOLD = re.compile(rb"\n\t(?![\t\"])")
_USED = re.compile(rb"\"resources_used\":\t?\{[^}]*\}")
_AMOUNT = re.compile(rb"(\"(cpupercent|cput|mem|vmem|walltime)\":\t?)[^,\n]*")


@dataclass(frozen=True)
class Recorded:
    """One command and its answer."""

    build: str
    name: str
    argv: list[str]
    status: int
    out: bytes
    err: bytes
    cwd: str
    user: str
    stdin: str
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def job(self) -> dict[str, Any]:
        """The first job of a JSON answer."""
        jobs: dict[str, dict[str, Any]] = json.loads(self.out)["Jobs"]
        return next(iter(jobs.values()))

    @property
    def job_id(self) -> str:
        """Of a submission, or of a JSON answer's first job."""
        if self.argv[0] == "qsub":
            return self.out.decode().strip()
        return str(next(iter(json.loads(self.out)["Jobs"])))


@cache
def recorded(build: str) -> dict[str, Recorded]:
    """All recordings of a build by name."""
    lines = (DATA / f"{build}.jsonl").read_text().splitlines()
    return {one.name: one for one in (_read(build, json.loads(line)) for line in lines)}


def _read(build: str, words: dict[str, Any]) -> Recorded:
    out, err = (
        base64.b64decode(words[f"{stream}_base64"])
        if f"{stream}_base64" in words
        else words.get(stream, "").encode()
        for stream in ("stdout", "stderr")
    )
    return Recorded(
        build, words["name"], words["argv"], words["exit_status"], out, err, words.get("cwd", HPC_WORK),
        words.get("user", "hpc"), words.get("stdin", ""), words.get("env", {}), words.get("files", {}),
    )  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """What can be compared of an answer."""

    status: int
    out: bytes
    err: bytes


def difference(here: Shown, there: Shown) -> str:
    """Empty when both are the same; else what a reader needs to see why not."""
    lines = []
    if here.status != there.status:
        lines.append(f"exit status {here.status}, recorded {there.status}")
    for name, mine, recorded_one in (("stderr", here.err, there.err), ("stdout", here.out, there.out)):
        if mine != recorded_one:
            old, new = (raw.decode(errors="backslashreplace").splitlines() for raw in (recorded_one, mine))
            lines += [f"{name}:", *difflib.unified_diff(old, new, "recorded", "here", n=0, lineterm="")]
            lines += [f"{len(recorded_one)} bytes recorded, {len(mine)} here"]
    return "\n".join(lines)


class Stage:
    def __init__(self, root: Path, build: str, **settings: Any) -> None:
        self.root = root
        self.build = build
        self.recordings = recorded(build)
        for user in ("hpc", "other"):
            (root / "home" / user / "work" / "logs").mkdir(parents=True)
        queues = recorded_queues()
        queues[1].users = ["hpc"]
        if build == "release":
            queues.append(Queue("slowkill", kill_delay_s=40))
        home = root / "home" / "hpc"
        self.pbs = Double.start(root / "pbs", build=build, home=home, **{"queues": queues, **settings})

    def play(self, name: str) -> tuple[Shown, Shown]:
        """The same command here: what it shows, and what it showed there."""
        there = self.recordings[name]
        return self.run(there), self.shown(there.status, there.out, there.err)

    def submit(self, name: str) -> tuple[Shown, Shown]:
        """A submission under the id that it got there."""
        there = self.recordings[name]
        if there.out:
            self.pbs.next_id(int(re.match(rb"\d+", there.out).group()))  # type: ignore[union-attr]
        return self.play(name)

    def run(self, there: Recorded) -> Shown:
        cwd = self.place(there.cwd)
        cwd.mkdir(parents=True, exist_ok=True)
        for file, text in there.files.items():
            (cwd / file).write_bytes(self.moved(text))
        limit_s = FROZEN_S if there.status == TIMED_OUT else PATIENCE_S
        return self.command(there.argv, cwd, there.user, there.stdin, there.env, limit_s)

    def command(
        self,
        argv: list[str],
        cwd: Path | None = None,
        user: str = "hpc",
        stdin: str = "",
        env: dict[str, str] | None = None,
        limit_s: float = PATIENCE_S,
    ) -> Shown:
        """`limit_s` is for a command that was recorded under a time limit of its own."""
        words = [self.moved(word) for word in argv]
        if words[0] == b"timeout":
            words[:2] = [b"timeout", str(limit_s).encode()]
            words[2] = str(self.pbs.pbs_exec / "bin" / argv[2]).encode()
        else:
            words[0] = str(self.pbs.pbs_exec / "bin" / argv[0]).encode()
        done = subprocess.run(
            words, cwd=cwd or self.place(HPC_WORK), env=self._environment(user) | self._moved(env or {}),
            input=self.moved(stdin), capture_output=True, check=False,
        )  # fmt: skip
        return self.shown(done.returncode, done.stdout, done.stderr)

    def _environment(self, user: str) -> dict[str, str]:
        return {
            "SHELL": "/bin/bash", "LOGNAME": user, "HOME": str(self.place(f"/home/{user}")),
            "LANG": "C.UTF-8", "USER": user, "PATH": "/opt/pbs/bin:/usr/bin:/bin", "PBS_DOUBLE_USER": user,
        }  # fmt: skip

    def _moved(self, env: dict[str, str]) -> dict[str, str]:
        return {name: self.moved(value).decode(errors="surrogateescape") for name, value in env.items()}

    def place(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def moved(self, text: str) -> bytes:
        raw = text.encode(errors="surrogateescape")
        return re.sub(rb"(?<![\w.])/home/(?=hpc|other)", str(self.root).encode() + b"/home/", raw)

    def shown(self, status: int, out: bytes, err: bytes) -> Shown:
        return Shown(status, self.blotted(out), self.blotted(err))

    def blotted(self, raw: bytes) -> bytes:
        text = raw if raw.startswith(b"{") else _FOLD.sub(b"", raw)
        text = text.replace(str(self.root).encode(), b"")
        text = _USED.sub(lambda found: _AMOUNT.sub(rb"\1USED", found.group()), text)
        for pattern, words in _BLOTS:
            text = re.sub(pattern, words, text)
        return text


@contextmanager
def stage(root: Path, build: str, **settings: Any) -> Iterator[Stage]:
    found = Stage(root, build, **settings)
    with found.pbs:
        yield found
