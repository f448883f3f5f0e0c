"""The execution side: one supervisor process for each run of a job.

It is forked by the server and outlives it, as the execution daemon of a real PBS does: it starts the job's
top shell in a session of its own, watches its walltime, kills, and delivers the output. What it has to say
it writes into the run's folder and then knocks at the server; orders reach it through a FIFO.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from tests.pbs_double import processes
from tests.pbs_double.output import Output

ORDERS, SUPERVISOR, STARTED, OBIT, DONE = "orders", "supervisor", "started", "obit", "done"
NO_SUCH_COMMAND = 254
CANNOT_START = -3
WALLTIME, MEMORY = -29, -27


@dataclass
class Run:
    """Everything about one run. `argv` is the top process; `feed` goes to its standard input."""

    folder: str
    job: str
    argv: list[str]
    feed: str
    environment: dict[str, str]
    cwd: str
    output: dict[str, Any]
    walltime_s: int
    clock: float
    kill_delay_s: float
    poll_s: float
    knock: str
    server: str
    tidy: list[str] = field(default_factory=list)
    """Folders that are removed at the end."""
    start_s: float = 0.0
    """How long starting takes; orders that come meanwhile are obeyed once it has started."""


def order(folder: Path, words: dict[str, Any]) -> bool:
    """Tells a supervisor. False: there is none any more."""
    try:
        fifo = os.open(folder / ORDERS, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False
    with contextlib.suppress(OSError):
        os.write(fifo, (json.dumps(words) + "\n").encode())
    os.close(fifo)
    return True


def report(folder: Path, name: str) -> dict[str, Any] | None:
    """What the supervisor has written: started, obit or done."""
    try:
        found: dict[str, Any] = json.loads((folder / name).read_text())
    except (OSError, ValueError):
        return None
    return found


def forbid(folder: Path) -> None:
    """A supervisor of this run that only comes up now finds no orders, and leaves."""
    (folder / ORDERS).unlink(missing_ok=True)


def end_all(folder: Path) -> None:
    """Kills what runs in this double's folder and all that its jobs have started."""
    for record in (folder / "runs").glob("*/run.json"):
        supervisor = report(record.parent, SUPERVISOR)
        if supervisor and report(record.parent, DONE) is None and processes.alive(int(supervisor["pid"])):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(supervisor["pid"]), signal.SIGKILL)
    mark = f"PBS_NODEFILE={folder}/aux/".encode()
    until = time.monotonic() + 5
    while (left := processes.with_environment(mark)) and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def start(run: Run) -> int:
    """Forks the supervisor. Returns its process id."""
    folder = Path(run.folder)
    folder.mkdir(parents=True, exist_ok=True)
    os.mkfifo(folder / ORDERS, 0o600)
    (folder / "run.json").write_text(json.dumps(asdict(run)))
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(quiet, number)
        os.closerange(3, 4096)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        _Supervisor(run).watch()
    finally:
        os._exit(0)


def _child_bell() -> int:
    """A descriptor that becomes readable when a child has ended."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing)
    return reading


class _Supervisor:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = Path(run.folder)
        self.output = Output(**run.output)
        self.began = time.monotonic()
        self.counted = 0.0
        """Seconds of walltime used."""
        self.clock = run.clock
        self.verdict: int | None = None
        """An Exit_status that PBS decides, whatever the shell says."""
        self.kill_at = 0.0
        self.usage: resource.struct_rusage | None = None

    def watch(self) -> None:
        fifo = os.open(self.folder / ORDERS, os.O_RDWR | os.O_NONBLOCK)
        self._say(SUPERVISOR, pid=os.getpid())
        if not self.output.open():
            self._say(STARTED, pid=0)
            self._say(OBIT, status=CANNOT_START, used={})
            self._say(DONE, stageout=-1)
            return
        time.sleep(self.run.start_s)
        bell = _child_bell()
        top = self._begin()
        self._say(STARTED, pid=top)
        status = self._until_gone(top, fifo, bell)
        self.output.close()
        self._say(OBIT, status=status, used=self._used())
        self._wait_for_the_server(fifo)
        self._say(DONE, stageout=self.output.deliver())
        for name in self.run.tidy:
            processes.remove_tree(Path(name))

    def _wait_for_the_server(self, fifo: int) -> None:
        """Output is delivered when the server has heard of the end, however long it is away."""
        while True:
            select.select([fifo], [], [])
            if b'"deliver"' in os.read(fifo, 65_536):
                return

    def _begin(self) -> int:
        reading, writing = os.pipe()
        os.write(writing, self.run.feed.encode(errors="surrogateescape"))
        os.close(writing)
        pid = os.fork()
        if pid == 0:
            self._become_top(reading)
        os.close(reading)
        return pid

    def _become_top(self, reading: int) -> NoReturn:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            os.dup2(reading, 0)
            os.dup2(self.output.out, 1)
            os.dup2(self.output.err, 2)
            os.closerange(3, 64)
            os.umask(0o077 if not self.output.umask else int(self.output.umask, 8))
            os.chdir(self.run.cwd)
            environment = {os.fsencode(k): os.fsencode(v) for k, v in self.run.environment.items()}
            name, *rest = self.run.argv
            os.execve(name, [os.fsencode(word) for word in (rest or [name])], environment)
        except OSError:
            os._exit(NO_SUCH_COMMAND)

    def _until_gone(self, top: int, fifo: int, bell: int) -> int:
        """Until the top process has ended and, where a kill is on its way, all its session."""
        exited: int | None = None
        kill_all = 0.0
        last = time.monotonic()
        while True:
            ready, _, _ = select.select([fifo, bell], [], [], self._patience(exited is not None))
            now = time.monotonic()
            self.counted += (now - last) * self.clock
            last = now
            if bell in ready:
                os.read(bell, 4096)
            if fifo in ready:
                self._obey(os.read(fifo, 65_536), top)
            if exited is None:
                pid, waited, usage = os.wait4(top, os.WNOHANG)
                if pid:
                    exited, self.usage = waited, usage
            if self.verdict is None and self.run.walltime_s and self.counted > self.run.walltime_s:
                self._exceeded(
                    WALLTIME, f"walltime {int(self.counted)} exceeded limit {self.run.walltime_s}", top
                )
            if self.kill_at and now >= self.kill_at and not kill_all:
                kill_all = now
            if exited is not None and not self.kill_at:
                kill_all = now  # what the script left behind does not outlive it
            if kill_all:
                processes.signal_session(top, signal.SIGKILL)
            if exited is not None and not processes.of_session(top):
                return self._status(exited)

    def _patience(self, ending: bool) -> float | None:
        """Seconds until something must be looked at without a call; None: never."""
        if ending or self.kill_at:
            return self.run.poll_s
        if not self.run.walltime_s or self.verdict is not None:
            return None
        return max(self.run.poll_s, (self.run.walltime_s - self.counted) / max(self.clock, 1e-6))

    def _obey(self, raw: bytes, top: int) -> None:
        for line in raw.decode().splitlines():
            words = json.loads(line)
            if "signal" in words:
                processes.signal_session(top, words["signal"])
            elif "kill" in words:
                self._kill(top, words["kill"])
            elif "memory" in words:
                self._exceeded(MEMORY, f"mem {words['memory']}", top, at_once=True)
            elif "clock" in words:
                self.clock = words["clock"]
            elif "walltime" in words:
                self.run.walltime_s = words["walltime"]
            elif "rerun" in words:
                self.output.keep_spool = True
                self.verdict = words["rerun"]
                self._kill(top, words.get("after", 0.0))

    def _kill(self, top: int, after: float) -> None:
        """One SIGTERM to every process, SIGKILL later; asked again it changes nothing."""
        if not self.kill_at:
            processes.signal_session(top, signal.SIGTERM)
            self.kill_at = time.monotonic() + after

    def _exceeded(self, verdict: int, words: str, top: int, at_once: bool = False) -> None:
        self.verdict = verdict
        os.write(self.output.err, f"=>> PBS: job killed: {words}\n".encode())
        self._kill(top, 0.0 if at_once else self.run.kill_delay_s)

    def _status(self, waited: int) -> int:
        if self.verdict is not None:
            return self.verdict
        if os.WIFSIGNALED(waited):
            return 256 + os.WTERMSIG(waited)
        return os.WEXITSTATUS(waited)

    def _used(self) -> dict[str, Any]:
        cpu = self.usage.ru_utime + self.usage.ru_stime if self.usage else 0.0
        peak = self.usage.ru_maxrss if self.usage else 0
        return {"cput_s": cpu, "mem_kb": peak, "walltime_s": self.counted}

    def _say(self, name: str, **words: Any) -> None:
        part = self.folder / f"{name}.part"
        part.write_text(json.dumps(words | {"at": time.time()}))
        part.replace(self.folder / name)
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.setblocking(False)
            door.sendto(self.run.folder.encode(), self.run.knock)
