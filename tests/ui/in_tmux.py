"""A program in a real terminal, by tmux: keys go in, and what a person sees comes out."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

PATIENCE_S = 25.0


class Tmux:
    """`command` in a terminal of 80 × 24; ended with the block. Its server is one of our own."""

    def __init__(self, socket: Path, command: str, size: tuple[int, int] = (80, 24)) -> None:
        self._socket = socket
        width, height = map(str, size)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, command)

    def __enter__(self) -> Tmux:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tmux("kill-server", check=False)

    def _tmux(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(["tmux", "-S", str(self._socket), *words], capture_output=True, text=True)
        if check and done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout

    @property
    def screen(self) -> str:
        """What is seen now; empty when the program has ended."""
        return self._tmux("capture-pane", "-p", check=False)

    def press(self, *keys: str) -> None:
        """Keys as tmux names them: `Enter`, `Escape`, `Right`, or a letter."""
        for key in keys:
            self._tmux("send-keys", key)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def until(self, true: Callable[[str], bool], what: str) -> str:
        """Wait for a screen; returns it."""
        ends = time.monotonic() + PATIENCE_S
        while not true(screen := self.screen):
            if time.monotonic() > ends:
                raise AssertionError(f"never came: {what}\n{screen}")
            time.sleep(0.1)
        return screen

    def sees(self, words: str) -> str:
        return self.until(lambda screen: words in screen, repr(words))

    def ended(self) -> None:
        """Wait until the program has."""
        self.until(lambda screen: not screen.strip(), "the end")
