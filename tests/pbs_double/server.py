"""The server process: one loop over a Unix socket, the supervisors' knocking, and time.

python -m tests.pbs_double.server FOLDER
"""

from __future__ import annotations

import contextlib
import os
import pwd
import select
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.pbs_double import control, mom, running, scheduler
from tests.pbs_double.answers import Answer, Call
from tests.pbs_double.client_words import ANSWER, DOWN, STDIN, receive, send
from tests.pbs_double.commands import answer
from tests.pbs_double.settings import load_settings
from tests.pbs_double.site import Site

BUG = 254
"""Exit status of a command that the double itself fails at; no recorded command ends so."""

PATIENCE_S = 10.0
"""With a caller that stops talking."""

IDLE_S = 1.0
"""How long nothing may be looked at when nobody calls."""


@dataclass
class _Pending:
    """A reply that is late on purpose. `call` None: the answer is there already."""

    door: socket.socket
    due: float
    reply: tuple[Any, ...] | None = None
    raw: tuple[Any, ...] | None = None


class Server:
    def __init__(self, folder: Path) -> None:
        os.chdir(folder)
        self.site = Site(folder, load_settings(folder / "settings.json"))
        self.pending: list[_Pending] = []
        for name in ("server", "knock"):
            (folder / name).unlink(missing_ok=True)
        # Relative names: a socket's path must be short, a test's folder need not.
        self.knock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.knock.bind("knock")
        self.knock.setblocking(False)
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind("server")
        self.door.listen(512)
        self.stopping = False
        self.parent = os.getppid()
        self.looked = 0.0
        self.asked: dict[str, float] = {}
        """When each user's last qstat was."""

    def serve(self) -> None:
        while not self.stopping:
            ready, _, _ = select.select([self.door, self.knock], [], [], self._patience())
            if self.knock in ready:
                self._hear()
            if self.door in ready:
                door, _ = self.door.accept()
                self._call(door)
            self._work()

    def _hear(self) -> None:
        """Supervisors say which run has news."""
        with contextlib.suppress(BlockingIOError):
            while run := self.knock.recv(4096):
                running.look_at(self.site, run.decode())

    def _patience(self) -> float:
        waits = [IDLE_S]
        now = time.time()
        waits += [max(0.0, one.due - now) for one in self.pending if one.reply is not None]
        if any(one.reply is None for one in self.pending):
            waits.append(0.05)
        if any(
            job.lost_at or job.state == "W" or job.substate == running.STARTING
            for job in self.site.jobs.values()
        ):
            waits.append(0.1)
        waits.append(max(0.0, self.site.schedule_at - now))
        return min(waits)

    def _work(self) -> None:
        site = self.site
        now = time.monotonic()
        if now - self.looked >= IDLE_S:  # a knock may have been lost, a supervisor killed
            self.looked = now
            if os.getppid() != self.parent:  # whoever started it was killed and cannot end it
                mom.end_all(site.folder)
                self.stopping = True
            site.reap()
            running.look(site)
            site.purge()
        running.give_up_lost(site)
        if site.schedule_at <= time.time() or any(job.state == "W" for job in site.jobs.values()):
            scheduler.cycle(site)
        self._late()

    def _late(self) -> None:
        now = time.time()
        for one in list(self.pending):
            if one.reply is None:
                if self.site.settings.faults.server == "hung":
                    if _left(one.door):
                        self.pending.remove(one)
                        one.door.close()
                    continue
                self.pending.remove(one)
                if one.raw is not None and not _left(one.door):
                    self._handle(one.door, one.raw)
            elif one.due <= now:
                self.pending.remove(one)
                _reply(one.door, one.reply)

    def _call(self, door: socket.socket) -> None:
        door.settimeout(PATIENCE_S)
        try:
            raw = receive(door)
        except (OSError, ValueError, EOFError):
            door.close()
            return
        if raw[0] == control.NAME:
            _reply(door, (ANSWER, *self._obey(raw[1])))
            return
        faults = self.site.settings.faults
        if faults.server == "down":
            _reply(door, (DOWN,))
        elif faults.server == "hung":
            self.pending.append(_Pending(door, 0.0, raw=raw))
        else:
            self._handle(door, raw)

    def _obey(self, words: dict[str, Any]) -> tuple[Any, str]:
        """An order's answer, and what was wrong with it."""
        try:
            return control.obey(self, words), ""
        except Exception:
            return None, traceback.format_exc()

    def _handle(self, door: socket.socket, raw: tuple[Any, ...]) -> None:
        def stdin() -> bytes:
            send(door, (STDIN,))
            found: bytes = receive(door)
            return found

        command, argv, cwd, environment, uid = raw
        words = {_text(k): _text(v) for k, v in environment.items()}
        user = words.get("PBS_DOUBLE_USER") or self.site.settings.user or pwd.getpwuid(uid).pw_name
        try:
            call = Call(command, [_text(one) for one in argv], _text(cwd), words, user, stdin)
            found = answer(self.site, call)
        except (OSError, EOFError):
            door.close()
            return
        except Exception:
            found = Answer(BUG, err=b"the PBS double has a bug:\n" + traceback.format_exc().encode())
        self._answer(door, found, self._pause(user) if command == "qstat" else 0.0)

    def _pause(self, user: str) -> float:
        """qstat sleeps when the same user's last one ended within the same second."""
        now = time.time()
        again = int(now) == int(self.asked.get(user, 0.0))
        self.asked[user] = now
        return self.site.settings.pause_s if again else 0.0

    def _answer(self, door: socket.socket, found: Answer, pause: float) -> None:
        reply = (ANSWER, found.status, found.out, found.err, found.die)
        slow = self.site.settings.faults.slow_s + pause
        if slow > 0:
            self.pending.append(_Pending(door, time.time() + slow, reply))
        else:
            _reply(door, reply)

    def stop(self) -> None:
        self.stopping = True
        with contextlib.suppress(OSError):
            self.knock.sendto(b"!", "knock")


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _left(door: socket.socket) -> bool:
    """Whether the caller is gone."""
    door.setblocking(False)
    try:
        return door.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        door.settimeout(PATIENCE_S)


def _reply(door: socket.socket, words: tuple[Any, ...]) -> None:
    with contextlib.suppress(OSError):
        send(door, words)
    door.close()


def main() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, set())  # whoever started this may have blocked some
    server = Server(Path(sys.argv[1]))
    signal.signal(signal.SIGTERM, lambda *_: server.stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(1, b"ready\n")
    with contextlib.suppress(OSError):
        os.close(1)
        os.open(os.devnull, os.O_WRONLY)
    server.serve()


if __name__ == "__main__":
    main()
