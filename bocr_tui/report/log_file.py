"""A log file as lines that can be reached by number, however large it is and while it grows.

What is remembered is how many lines end in each 64 KiB of the file, so a log of 32 MB is known by five
hundred numbers, and a line is found by reading one block. What the file holds is somebody else's: lines of
any length, carriage returns, escape sequences and bytes that are no text.
"""

from __future__ import annotations

import os
import re
import threading
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

BLOCK_BYTES = 64 * 1024

LINE_BYTES = 8 * 1024
"""What is handed out of one line at most: a screen shows a few hundred characters of it."""

_BLOCKS_KEPT = 4
_SEARCH_BYTES = 1024 * 1024

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
"""Colours and boldness: the one kind of escape sequence that ordinary logs are full of."""


@dataclass(frozen=True)
class Seen:
    """What a look at the file found. `generation` changes when the file began anew: then no line is what it
    was. `changed_at` is when it was last written, None where there is no file. `whole_lines` leaves out a
    last line that has not ended yet."""

    there: bool = False
    lines: int = 0
    whole_lines: int = 0
    size_bytes: int = 0
    changed_at: float | None = None
    generation: int = 0


class LogFile:
    """One log. May be used from any thread, one call at a time."""

    def __init__(self, path: Path, mark: Path | None = None) -> None:
        """`mark` is a small file beside it whose content changes when the log begins anew."""
        self.path = path
        self._mark = mark
        self._lock = threading.Lock()
        self._identity: tuple[object, ...] = ()
        self._ends: array[int] = array("q")
        """By block: how many lines have ended up to its end."""
        self._size = 0
        self._generation = 0
        self._unended = False
        self._blocks: dict[int, bytes] = {}

    def look(self) -> Seen:
        """Take in what is new. Raises OSError, but for a file that is not there."""
        with self._lock:
            try:
                stream = self.path.open("rb")
            except FileNotFoundError:
                self._forget(())
                return Seen(generation=self._generation)
            with stream:
                facts = os.fstat(stream.fileno())
                identity = (facts.st_dev, facts.st_ino, self._marked())
                if identity != self._identity or facts.st_size < self._size:
                    self._forget(identity)
                if facts.st_size > self._size:
                    self._count(stream, facts.st_size)
            whole = self._ends[-1] if self._ends else 0
            return Seen(True, whole + self._unended, whole, self._size, facts.st_mtime, self._generation)

    @property
    def _lines(self) -> int:
        """Lines, one that has not ended yet among them."""
        return (self._ends[-1] if self._ends else 0) + self._unended

    def _marked(self) -> bytes:
        if self._mark is None:
            return b""
        try:
            with self._mark.open("rb") as stream:
                return stream.read(64)
        except OSError:
            return b""

    def _forget(self, identity: tuple[object, ...]) -> None:
        if self._size or identity != self._identity:
            self._generation += 1
        self._identity = identity
        self._ends, self._size, self._unended = array("q"), 0, False
        self._blocks.clear()

    def _count(self, stream: BinaryIO, size: int) -> None:
        """Go on counting from the last block, which was not full."""
        if self._size % BLOCK_BYTES:
            self._ends.pop()
            self._blocks.pop(len(self._ends), None)
        stream.seek(len(self._ends) * BLOCK_BYTES)
        data = b""
        while (at := len(self._ends) * BLOCK_BYTES) < size:
            data = stream.read(min(BLOCK_BYTES, size - at))
            if not data:
                size = at
                break
            self._ends.append((self._ends[-1] if self._ends else 0) + data.count(b"\n"))
            if len(data) < BLOCK_BYTES:
                size = at + len(data)
                break
        self._size = size
        self._unended = not data.endswith(b"\n") if data else self._unended

    def lines(self, first: int, count: int) -> list[bytes]:
        """At most `count` lines from line `first` (from 0) on, without their ends, long ones cut. Raises
        OSError."""
        with self._lock:
            if not 0 <= first < self._lines or count <= 0:
                return []
            with self.path.open("rb") as stream:
                found: list[bytes] = []
                at = self._start_of(stream, first)
                while len(found) < min(count, self._lines - first):
                    end = self._end_from(stream, at)
                    found.append(self._piece(stream, at, end))
                    at = end + 1
                return found

    def find(self, text: str, line: int, *, backwards: bool = False) -> int | None:
        """The number of the next line from `line` on (or back from it) that holds `text`, whatever the case
        of its letters A to Z; None when there is none. Raises OSError."""
        needle = text.encode("utf-8", "surrogateescape").lower()
        with self._lock:
            if not needle or not self._lines:
                return None
            with self.path.open("rb") as stream:
                if backwards:
                    if line < 0:
                        return None
                    stop = self._end_from(stream, self._start_of(stream, min(line, self._lines - 1)))
                    at = _last_before(stream, needle, stop)
                else:
                    if line >= self._lines:
                        return None
                    at = _first_after(stream, needle, self._start_of(stream, max(0, line)), self._size)
                return None if at is None else self._line_at(stream, at)

    def _block(self, stream: BinaryIO, number: int) -> bytes:
        data = self._blocks.get(number)
        if data is None:
            start = number * BLOCK_BYTES
            stream.seek(start)
            data = stream.read(min(BLOCK_BYTES, self._size - start))
            while len(self._blocks) >= _BLOCKS_KEPT:
                del self._blocks[next(iter(self._blocks))]
            self._blocks[number] = data
        return data

    def _start_of(self, stream: BinaryIO, line: int) -> int:
        """Where a line begins: after as many line ends as come before it."""
        if line == 0:
            return 0
        number = bisect_left(self._ends, line)
        before = self._ends[number - 1] if number else 0
        data = self._block(stream, number)
        rest = data.split(b"\n", line - before)[-1]
        return number * BLOCK_BYTES + len(data) - len(rest)

    def _end_from(self, stream: BinaryIO, at: int) -> int:
        """Where the line that holds the byte `at` ends: the place of its line feed, or the file's end."""
        number = at // BLOCK_BYTES
        if number >= len(self._ends):
            return self._size
        place = self._block(stream, number).find(b"\n", at - number * BLOCK_BYTES)
        if place < 0:
            number = bisect_right(self._ends, self._ends[number])
            if number >= len(self._ends):
                return self._size
            place = self._block(stream, number).find(b"\n")
        return number * BLOCK_BYTES + place

    def _line_at(self, stream: BinaryIO, at: int) -> int:
        number = at // BLOCK_BYTES
        before = self._ends[number - 1] if number else 0
        return before + self._block(stream, number).count(b"\n", 0, at - number * BLOCK_BYTES)

    def _piece(self, stream: BinaryIO, start: int, end: int) -> bytes:
        """The line's bytes; of a long one the beginning, or the end where it was overwritten in place, as
        progress bars do."""
        if end - start <= LINE_BYTES:
            return self._read(stream, start, end)
        tail = self._read(stream, end - LINE_BYTES, end)
        return tail if b"\r" in tail.rstrip(b"\r") else self._read(stream, start, start + LINE_BYTES)

    def _read(self, stream: BinaryIO, start: int, end: int) -> bytes:
        first, last = start // BLOCK_BYTES, max(start, end - 1) // BLOCK_BYTES
        data = b"".join(self._block(stream, number) for number in range(first, last + 1))
        return data[start - first * BLOCK_BYTES : end - first * BLOCK_BYTES]


def _first_after(stream: BinaryIO, needle: bytes, start: int, size: int) -> int | None:
    while start < size:
        stream.seek(start)
        data = stream.read(min(_SEARCH_BYTES + len(needle) - 1, size - start)).lower()
        place = data.find(needle)
        if place >= 0:
            return start + place
        start += _SEARCH_BYTES
    return None


def _last_before(stream: BinaryIO, needle: bytes, stop: int) -> int | None:
    """The last one that begins before `stop` and ends before it, too."""
    while stop > 0:
        start = max(0, stop - _SEARCH_BYTES)
        stream.seek(start)
        place = stream.read(stop - start).lower().rfind(needle)
        if place >= 0:
            return start + place
        if start == 0:
            return None
        stop = start + len(needle) - 1
    return None


def log_text(line: bytes) -> str:
    """A line as text: what a terminal would show last of a line overwritten in place, without colours.
    Other control characters are still in it."""
    text = line.decode("utf-8", "replace").rstrip("\r")
    text = _COLOUR.sub("", text.rsplit("\r", 1)[-1])
    return text.expandtabs(8)
