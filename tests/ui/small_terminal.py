"""A pseudo-terminal with a program in it, which answers what terminals are asked, when it is told to."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

WAIT_S = 30.0


class SmallTerminal:
    """`answers` maps what is asked to what is answered, as soon as it is seen; `seen` is all the program
    wrote."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        answers: Mapping[bytes, bytes] | None = None,
        size: tuple[int, int] = (120, 40),
    ) -> None:
        self.seen = b""
        self._answers = dict(answers or {})
        self._answered: set[bytes] = set()
        self.child, self.screen = pty.fork()
        if self.child == 0:
            os.execvpe(command[0], list(command), dict(environment))
        columns, rows = size
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, data: bytes) -> None:
        os.write(self.screen, data)

    def until(self, wanted: bytes, after: int = 0) -> int:
        """Wait until the program has written this beyond `after` bytes; returns where it ended."""
        ends = time.monotonic() + WAIT_S
        while (at := self.seen.find(wanted, after)) < 0:
            if time.monotonic() > ends:
                raise AssertionError(f"never came: {wanted!r} in {self.seen[after:][-3000:]!r}")
            self.listen(0.05)
        return at + len(wanted)

    def listen(self, seconds: float) -> None:
        """Take what comes within this time, and answer it."""
        if not select.select([self.screen], [], [], seconds)[0]:
            return
        with contextlib.suppress(OSError):
            self.seen += os.read(self.screen, 65_536)
        for asked, answer in self._answers.items():
            if asked in self.seen and asked not in self._answered:
                self._answered.add(asked)
                self.type(answer)

    def __enter__(self) -> SmallTerminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.screen)
