"""Stands between the worker and a model server, so that no process of the server outlives either.

Run as a program of its own (`python -I -S guard.py GRACE_S LOG -- COMMAND…`), with nothing but the standard
library. It starts the command in a session of its own, its output appended to LOG, and says on stdout
`started PID`, then `ended STATUS` (or `failed REASON`). Its stdin is held open by the worker: when it closes,
whether the worker closed it or was killed, the server's group is asked to end, and killed when it does not
within GRACE_S. On Linux the guard is the one that orphans of the server fall to, so that those are found too
which left the group. Signals that a terminal or a scheduler sends to everybody are left to the worker.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_FOR_THE_WORKER = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LAST_WAIT_S = 5.0
"""How long killed processes may take to be gone; a driver can hold one for ever."""

_LINUX = sys.platform.startswith("linux")
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36


def main(arguments: list[str]) -> int:
    grace_s, log, _, *command = arguments
    for number in _FOR_THE_WORKER:
        signal.signal(number, signal.SIG_IGN)
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    _control(_SET_CHILD_SUBREAPER, 1)
    try:
        with Path(log).open("ab", buffering=0) as stream:
            server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                preexec_fn=_as_a_server,  # noqa: PLW1509 - there is one thread
            )
    except (OSError, subprocess.SubprocessError) as error:
        _say(f"failed {getattr(error, 'strerror', None) or error}: {command[0]}")
        return 1
    _say(f"started {server.pid}")
    family = _Family(server.pid)
    while not family.has_ended and not _is_closed(0, woken):
        family.reap()
    if not family.has_ended:
        family.signal(signal.SIGTERM)
        family.wait(float(grace_s))
    family.slay()
    _say(f"ended {family.status}")
    return 0


class _Family:
    """The server, what it started, and what that started."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self.status: int | None = None
        self._alone = False

    @property
    def has_ended(self) -> bool:
        return self.status is not None

    def reap(self) -> None:
        """Take note of all that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self._alone = True
                return
            if pid == 0:
                return
            if pid == self._leader:
                self.status = os.waitstatus_to_exitcode(status)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._leader, number)

    def wait(self, seconds: float) -> None:
        """Until nobody is left, no longer than that."""
        until = time.monotonic() + seconds
        while not self._alone and time.monotonic() < until:
            self.reap()
            time.sleep(0.02)

    def slay(self) -> None:
        """Kill whoever is left, until nobody is."""
        until = time.monotonic() + _LAST_WAIT_S
        while time.monotonic() < until:
            self.signal(signal.SIGKILL)
            for pid in _children():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self.wait(0.05)
            if self._alone:
                return


def _children() -> list[int]:
    """Of this process, orphans that fell to it among them."""
    try:
        return [int(word) for word in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except (OSError, ValueError):
        return []


def _is_closed(descriptor: int, woken: int) -> bool:
    """Wait for a child's end or for the worker's; whether it was the worker's."""
    ready, _, _ = select.select([descriptor, woken], [], [])
    with contextlib.suppress(BlockingIOError):
        os.read(woken, 4096)
    return descriptor in ready and not os.read(descriptor, 4096)


def _as_a_server() -> None:
    """In the server's process, before its program: signals as usual, and an end when the guard is killed."""
    for number in (*_FOR_THE_WORKER, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FOR_THE_WORKER)
    _control(_SET_PDEATHSIG, signal.SIGTERM)


def _control(option: int, value: int) -> None:
    if not _LINUX:
        return
    with contextlib.suppress(OSError, AttributeError, ImportError):
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(option, int(value), 0, 0, 0)


def _say(words: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, f"{words}\n".encode("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
