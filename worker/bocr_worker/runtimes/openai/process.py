"""A model server as a process: started behind a guard, and gone with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.lastwords import last_words

_GUARD = Path(__file__).with_name("guard.py")
_GRACE_S = 2.0
"""Between asking and killing. A job must be gone ten seconds after it was told to, and a server has nothing
to save."""

_GUARD_WITHIN_S = 8.0
"""The grace, and the time that killed processes may take (guard.py)."""


def free_port() -> int:
    """One that nobody listens on now. Somebody may before we do; the server then ends, and gets another."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class ServerEnded(RuntimeBroken):
    """The process is gone, with what its log said last."""


class ServerProcess:
    """One start of one server. `start`, then `stop`; `ended` is done when it ends by itself."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._mark = f"BOCR_SERVER={secrets.token_hex(12)}"
        """In the environment of the server and of all that it starts: how those are found that nobody's list
        of children holds any more."""
        name, _, value = self._mark.partition("=")
        self._environment = {**environment, name: value}
        self._log = log
        self._since_byte = 0
        self._guard: asyncio.subprocess.Process | None = None
        self._spawning: asyncio.Future[asyncio.subprocess.Process] | None = None
        self._listening: asyncio.Task[None] | None = None
        self.pid: int | None = None
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """How it ended, in words."""

    async def start(self) -> None:
        """Returns when the command runs, which says nothing of its health. Raises ServerEnded."""
        with self._log.open("ab") as stream:
            stream.write(f"--- bocr {time.strftime('%F %T')}: {' '.join(self._command)}\n".encode())
            self._since_byte = stream.tell()
        # Not cancelled half-way: a process that nobody knows of could not be stopped.
        self._spawning = asyncio.ensure_future(self._spawn())
        self._guard = await asyncio.shield(self._spawning)
        word, said = await self._hear()
        if word != "started":
            await self._guard.wait()
            raise ServerEnded(f"the server cannot be started: {said or 'its guard ended'}")
        self.pid = int(said)
        self._listening = asyncio.create_task(self._listen())

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", str(_GUARD)),
            *(str(_GRACE_S), str(self._log), "--", *self._command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )

    async def _hear(self) -> tuple[str, str]:
        assert self._guard is not None and self._guard.stdout is not None
        line = (await self._guard.stdout.readline()).decode("utf-8", "replace").strip()
        word, _, rest = line.partition(" ")
        return word, rest

    async def _listen(self) -> None:
        word, said = await self._hear()
        if word != "ended":
            self._kill_all()
        if not self.ended.done():
            self.ended.set_result(_how(said) if word == "ended" else "its guard was killed")

    def last_words(self) -> str:
        """The end of a sentence about a server that is no more: where its log is, and what it says."""
        words = last_words(self._log, self._since_byte)
        return f" Its log is {self._log.name}" + (f"; its last words:\n{words}" if words else ", and empty.")

    async def stop(self) -> None:
        """Everything of it is gone afterwards, however far it had come. May be called more than once."""
        spawning, self._spawning = self._spawning, None
        if spawning is None:
            return
        try:
            guard = await asyncio.shield(spawning)
        except OSError:
            return
        assert guard.stdin is not None
        guard.stdin.close()
        try:
            await asyncio.wait_for(asyncio.shield(guard.wait()), _GUARD_WITHIN_S)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                guard.kill()
            self._kill_all()
            await guard.wait()
        finally:
            if self._listening is not None:
                self._listening.cancel()
                await asyncio.gather(self._listening, return_exceptions=True)

    def _kill_all(self) -> None:
        """In the guard's place: the group, and by their mark those who left it."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        for pid in _marked(self._mark.encode()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _marked(mark: bytes) -> list[int]:
    """Processes of ours whose environment holds it; none where there is no /proc."""
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    if mark in Path(entry.path, "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
    return found


def _how(status: str) -> str:
    try:
        code = int(status)
    except ValueError:
        return "of unknown cause"
    if code >= 0:
        return f"exit status {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
