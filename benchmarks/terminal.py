"""A terminal that measures: a pseudo-terminal that answers DECRQM 2026, so that every frame of a Textual
program ends in `ESC [ ? 2026 l` and a key's way to its frame can be timed from outside."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

FRAME_END = b"\x1b[?2026l"
_ASKS_2026 = b"\x1b[?2026$p"
_CAN_2026 = b"\x1b[?2026;2$y"
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?>=<$ ]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PATIENCE_S = 60.0
"""How long anything that is waited for may take, on a machine with other work."""


class Terminal:
    """A program in a terminal of `columns` × `rows`; ended when the block ends. Linux only: CPU and memory
    are read from /proc."""

    def __init__(self, command: Sequence[str], columns: int = 200, rows: int = 60) -> None:
        self.seen = bytearray()
        """Everything that was written since `forget`."""
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        self.pid, self._file = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], list(command), environment)
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._file)

    def read(self, seconds: float) -> bool:
        """Take what comes within `seconds`; False when nothing came."""
        if not select.select([self._file], [], [], max(0.0, seconds))[0]:
            return False
        try:
            data = os.read(self._file, 1 << 16)
        except OSError:
            data = b""
        if not data:
            raise RuntimeError(f"the program ended:\n{self.words[-2000:]}")
        if _ASKS_2026 in data:
            os.write(self._file, _CAN_2026)
        self.seen += data
        return True

    def forget(self) -> None:
        self.seen.clear()

    @property
    def words(self) -> str:
        """What was written, without the escape sequences."""
        return _words(self.seen)

    def until(self, word: str, *, whole: bool = True) -> float:
        """Wait for a frame that holds `word`, and for its end if it shall be `whole`: a program's first frame
        may come before it knows that it may mark ends. Returns the program's CPU seconds then."""
        ends = time.monotonic() + PATIENCE_S
        while True:
            self.read(0.05)
            cpu_s = self.cpu_s()
            if word in _words(self.seen[: self.seen.rfind(FRAME_END) + 1] if whole else self.seen):
                return cpu_s
            if time.monotonic() > ends:
                raise RuntimeError(f"{word!r} never came:\n{self.words[-2000:]}")

    def send(self, keys: bytes) -> None:
        os.write(self._file, keys)

    def press(self, key: bytes) -> float:
        """Press a key and wait for the end of the next frame; returns the seconds between."""
        while self.read(0):
            pass
        self.forget()
        began = time.perf_counter()
        self.send(key)
        ends = time.monotonic() + PATIENCE_S
        while FRAME_END not in self.seen:
            if time.monotonic() > ends:
                raise RuntimeError(f"{key!r} draws nothing")
            self.read(0.05)
        return time.perf_counter() - began

    def watch(self, seconds: float) -> None:
        """Take what comes for so long."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.read(left)

    def cpu_s(self) -> float:
        """CPU seconds of the program and all its threads until now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def rss_mb(self) -> float:
        """Memory of its own and shared that the program has resident, in MB (10**6)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _words(written: bytearray) -> str:
    return _ESCAPES.sub(b" ", bytes(written)).decode("utf-8", "replace")
