"""Some of the lines of a growing file: those of one site in the command log, say.

Only the file's end is read at first and only so many lines are kept, since a log of commands grows for as
long as a campaign lasts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from bocr_tui.report.log_file import LINE_BYTES, Seen

FIRST_BYTES = 8 * 1024 * 1024
"""Of the file's end, read at the first look: some days of commands."""

MOST_LINES = 20_000


class FilteredLines:
    """The newest lines that `keep` takes. May be used from any thread, one call at a time."""

    def __init__(self, path: Path, keep: Callable[[bytes], bool]) -> None:
        self._path = path
        self._keep = keep
        self._lock = threading.Lock()
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._rest = b""
        self._cut = False
        """The first line to come lacks its beginning."""
        self._lines: list[bytes] = []
        self._generation = 0

    def look(self) -> Seen:
        """Take in what is new. Raises OSError, but for a file that is not there."""
        with self._lock:
            try:
                stream = self._path.open("rb")
            except FileNotFoundError:
                self._forget(None, 0)
                return Seen(generation=self._generation)
            with stream:
                facts = os.fstat(stream.fileno())
                identity = (facts.st_dev, facts.st_ino)
                if identity != self._identity or facts.st_size < self._offset:
                    self._forget(identity, max(0, facts.st_size - FIRST_BYTES))
                stream.seek(self._offset)
                self._take(stream.read(max(0, facts.st_size - self._offset)))
            count = len(self._lines)
            return Seen(True, count, count, self._offset, facts.st_mtime, self._generation)

    def _forget(self, identity: tuple[int, int] | None, offset: int) -> None:
        if self._lines:
            self._generation += 1
        self._identity, self._offset, self._rest, self._lines = identity, offset, b"", []
        self._cut = offset > 0

    def _take(self, data: bytes) -> None:
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-FIRST_BYTES:]
        if self._cut and whole:
            del whole[0]
            self._cut = False
        self._lines += [line[:LINE_BYTES] for line in whole if self._keep(line)]
        if len(self._lines) > MOST_LINES:
            del self._lines[: len(self._lines) - MOST_LINES // 2]
            self._generation += 1

    def lines(self, first: int, count: int) -> list[bytes]:
        """At most `count` lines from line `first` (from 0) on."""
        with self._lock:
            return self._lines[max(0, first) : max(0, first) + max(0, count)]

    def find(self, text: str, line: int, *, backwards: bool = False) -> int | None:
        """The number of the next line from `line` on (or back from it) that holds `text`, whatever the case
        of its letters A to Z; None when there is none."""
        needle = text.encode("utf-8", "surrogateescape").lower()
        with self._lock:
            count = len(self._lines)
            places = range(min(line, count - 1), -1, -1) if backwards else range(max(0, line), count)
            return next((place for place in places if needle in self._lines[place].lower()), None)
