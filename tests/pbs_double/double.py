"""A PBS that one can start: its folder, its commands, its server."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.pbs_double import control, mom
from tests.pbs_double.client_words import receive, send
from tests.pbs_double.settings import Node, Queue, Settings, load_settings

COMMANDS = (
    "qsub", "qstat", "qselect", "qdel", "qhold", "qrls", "qalter", "qrerun", "qsig", "qmove", "pbsnodes",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Seen:
    """One job as `Double.jobs` tells it."""

    id: str
    seq: int
    name: str
    state: str
    substate: int
    exit_status: int | None
    run_count: int
    session: int
    comment: str
    holds: str
    supervisor: int
    user: str
    attributes: dict[str, str]


class Double:
    """See the package's docstring."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        self._elsewhere = False

    @classmethod
    def start(
        cls,
        folder: Path,
        build: str = "release",
        *,
        queues: list[Queue] | None = None,
        nodes: list[Node] | None = None,
        slots: int | None = None,
        home: Path | None = None,
        server: str = "login1",
        **settings: Any,
    ) -> Self:
        """Makes the folder and starts the server. `slots`: one node with so many cores. `home`: where jobs
        start; a new folder when left out. Other keywords are those of Settings."""
        folder = folder.resolve()
        for name in ("spool", "mom_priv/jobs", "runs", "tmp", "aux", "exec/bin"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        own_home = home or folder / "home"
        own_home.mkdir(parents=True, exist_ok=True)
        site = Settings(build=build, server=server, home=str(own_home), **settings)
        if queues is not None:
            site.queues = queues
        site.nodes = nodes or [Node(server, ncpus=slots or 8)]
        double = cls(folder)
        site.save(folder / "settings.json")
        double._write_commands(server)
        double.restart()
        return double

    @classmethod
    def of(cls, folder: Path) -> Self:
        """One that another process started and keeps."""
        double = cls(folder.resolve())
        double._elsewhere = True
        return double

    def _write_commands(self, server: str) -> None:
        client = Path(__file__).with_name("client.py")
        python = os.path.realpath(sys.executable)
        for name in COMMANDS:
            line = shlex.join([python, "-I", "-S", "-B", str(client), str(self.folder), name])
            path = self.pbs_exec / "bin" / name
            path.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
            path.chmod(0o755)
        self.pbs_conf.write_text(
            f"PBS_SERVER={server}\nPBS_START_SERVER=1\nPBS_START_SCHED=1\nPBS_START_COMM=1\nPBS_START_MOM=1\n"
            f"PBS_EXEC={self.pbs_exec}\nPBS_HOME={self.folder}\nPBS_CORE_LIMIT=unlimited\n"
            "PBS_SCP=/usr/bin/scp\n"
        )

    @property
    def pbs_exec(self) -> Path:
        """PBS_EXEC: its bin/ holds the commands."""
        return self.folder / "exec"

    @property
    def pbs_conf(self) -> Path:
        """What /etc/pbs.conf would be."""
        return self.folder / "pbs.conf"

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder / "settings.json")

    @property
    def home(self) -> Path:
        return Path(self.settings.home)

    # the server's life

    def restart(self) -> None:
        """Starts the server, again where it was killed."""
        self.kill_server()
        environment = {k: v for k, v in os.environ.items() if k != "TZ" and not k.startswith("COV")}
        environment["PYTHONPATH"] = str(ROOT)
        self._server = subprocess.Popen(
            [sys.executable, "-S", "-m", "tests.pbs_double.server", str(self.folder)],
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip
        assert self._server.stdout is not None
        if self._server.stdout.readline() != b"ready\n":
            raise RuntimeError("the double's server did not start")
        self._server.stdout.close()

    def kill_server(self) -> None:
        """SIGKILL: jobs run on, commands are refused."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def stop(self) -> None:
        """Ends the server and every process of every job, those in other sessions too."""
        if self._server is not None:
            self._server.send_signal(signal.SIGTERM)
            self._server.wait()
            self._server = None
        mom.end_all(self.folder)
        shutil.rmtree(self.folder / "tmp", ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # what an operator, or fate, does

    def faults(self, **changed: Any) -> None:
        """Turns fault switches (see Faults); with the server killed, for its next start."""
        if self._server is not None or self._elsewhere:
            self._control(do="faults", set=changed)
            return
        settings = self.settings
        for name, value in changed.items():
            setattr(settings.faults, name, value)
        settings.save(self.folder / "settings.json")

    def change(self, **changed: Any) -> None:
        """Other settings for the server's next start; it must be killed before."""
        settings = self.settings
        for name, value in changed.items():
            setattr(settings, name, value)
        settings.save(self.folder / "settings.json")

    def requeue(self, job_id: str, after: float = 0.0) -> None:
        """Back to the queue with the same id, as by qrerun: TERM, and KILL `after` seconds later."""
        self._control(do="requeue", seq=_seq(job_id), after=after)

    def run_twice(self, job_id: str) -> None:
        """The same id runs once more while the processes of its first run live on, as after a lost node."""
        self._control(do="twice", seq=_seq(job_id))

    def kill_for_memory(self, job_id: str, used_kb: int = 223_596, limit_kb: int = 102_400) -> None:
        words = f"{used_kb}kb exceeded limit {limit_kb}kb"
        self._control(do="memory", seq=_seq(job_id), words=words)

    def lose_node(self, name: str = "") -> None:
        """Its jobs stay R for node_fail_requeue_s, then Q or F with -20; their processes live on."""
        self._control(do="node", name=name or self.settings.nodes[0].name, down=True)

    def give_up_lost(self) -> None:
        """As if node_fail_requeue_s had passed."""
        self._control(do="give up")

    def node_back(self, name: str = "") -> None:
        """The node answers again: old processes are killed, the queue moves on."""
        self._control(do="node", name=name or self.settings.nodes[0].name, down=False)

    def suspend(self, job_id: str, on: bool = True) -> None:
        self._control(do="suspend", seq=_seq(job_id), on=on)

    def next_id(self, seq: int) -> None:
        """The number of the next job; numbers that are taken are not looked for."""
        self._control(do="next", seq=seq)

    # looking on

    def jobs(self) -> list[Seen]:
        """All jobs the server knows, finished ones too, by id."""
        return [_seen(one) for one in self._control(do="jobs")]

    def job(self, job_id: str) -> Seen:
        """Raises KeyError when the server does not know it."""
        return _seen(self._control(do="job", seq=_seq(job_id)))

    def wait(self, job_id: str, states: str = "F", seconds: float = 20.0) -> Seen:
        """Until the job is in one of these states."""
        return self.wait_until(job_id, lambda job: job.state in states, seconds)

    def wait_until(self, job_id: str, good: Callable[[Seen], bool], seconds: float = 20.0) -> Seen:
        until = time.monotonic() + seconds
        while True:
            job = self.job(job_id)
            if good(job):
                return job
            if time.monotonic() > until:
                raise TimeoutError(f"{job_id} is {job.state}/{job.substate}: {job.comment}")
            time.sleep(0.02)

    def run(
        self,
        command: str,
        *argv: str,
        stdin: bytes = b"",
        cwd: Path | None = None,
        user: str = "",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """One of the commands, as a user would."""
        environment = dict(os.environ) | dict(env or {})
        if user:
            environment["PBS_DOUBLE_USER"] = user
        return subprocess.run(
            [str(self.pbs_exec / "bin" / command), *argv],
            input=stdin, capture_output=True, cwd=cwd or self.home, env=environment, check=False,
        )  # fmt: skip

    def _control(self, **words: Any) -> Any:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
            door.settimeout(20.0)
            connect(door, self.folder)
            send(door, (control.NAME, words))
            found, wrong = receive(door)[1:]
        if wrong:
            raise KeyError(wrong)
        return found


def connect(door: socket.socket, folder: Path) -> None:
    """Through a descriptor of the folder: a socket's path has to be short."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        door.connect(f"/proc/self/fd/{number}/server")
    finally:
        os.close(number)


def _seen(words: dict[str, Any]) -> Seen:
    return Seen(**{**words, "attributes": dict(words["attributes"])})


def _seq(job_id: str) -> int:
    return int(job_id.strip().partition(".")[0])
