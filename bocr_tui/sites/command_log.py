"""An append-only log of all that is asked of sites: for the panel, for a site's administrators, for us.

One JSON object a line: `at` (seconds since the epoch), `site`, `command`, `exit` (0: answered, another
number: how the command ended, null: no answer), `seconds`, `sent_bytes`, `received_bytes`, `problem`. No
secret and no answer of a person is ever part of it.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

CAP_BYTES = 20 * 1024 * 1024
"""A log this large is put aside, over the one before: weeks of a busy campaign in both together."""

BLOCK_BYTES = 65536
SHOWN_CHARS = 40
"""Of a text among a command's arguments."""


@dataclass(frozen=True)
class SentCommand:
    """`exit_code` None: no answer came."""

    site: str
    command: str
    exit_code: int | None = None
    seconds: float = 0.0
    sent_bytes: int = 0
    received_bytes: int = 0
    problem: str = ""
    at: float = 0.0


class CommandLog:
    """Several processes may write one log."""

    def __init__(self, path: Path, cap_bytes: int = CAP_BYTES) -> None:
        self.path, self._cap_bytes = path, cap_bytes

    def write(self, command: SentCommand) -> None:
        """Append a line. What cannot be logged does not keep a site from being used."""
        record = {
            "at": round(command.at or time.time(), 3),
            "site": command.site,
            "command": command.command,
            "exit": command.exit_code,
            "seconds": round(command.seconds, 4),
            "sent_bytes": command.sent_bytes,
            "received_bytes": command.received_bytes,
            "problem": command.problem,
        }
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        try:
            self._append(line)
        except OSError:
            return

    def _append(self, line: bytes) -> None:
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.fstat(handle).st_size + len(line) > self._cap_bytes:
                self._put_aside(handle)
                os.close(handle)
                handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.write(handle, line)
        finally:
            os.close(handle)

    def _put_aside(self, handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)  # released when it is closed
        ours, there = os.fstat(handle), self.path.stat()
        if (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino):  # nobody was faster
            self.path.replace(older(self.path))

    def newest(self, count: int) -> list[SentCommand]:
        """The last commands, the newest last; lines that are none are left out. Reads no more of the log than
        it takes. Blocks."""
        found: list[SentCommand] = []
        for path in (self.path, older(self.path)):
            for line in _lines_backwards(path):
                if len(found) >= count:
                    return found[::-1]
                command = read_line(line)
                if command is not None:
                    found.append(command)
        return found[::-1]


def older(path: Path) -> Path:
    """Where a full log lies."""
    return path.with_name(path.name + ".1")


def read_line(line: bytes) -> SentCommand | None:
    """None for a line that is none of ours, such as one still being written."""
    try:
        record = json.loads(line)
        return SentCommand(
            site=str(record["site"]),
            command=str(record["command"]),
            exit_code=None if record["exit"] is None else int(record["exit"]),
            seconds=float(record["seconds"]),
            sent_bytes=int(record["sent_bytes"]),
            received_bytes=int(record["received_bytes"]),
            problem=str(record["problem"]),
            at=float(record["at"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def describe_call(function: str, arguments: tuple[object, ...]) -> str:
    """A function and its arguments in short: texts cut, lists, tables and bytes by their sizes."""
    return " ".join([function, *(_describe(argument) for argument in arguments)])


def _describe(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return f"{{{len(value)}}}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{len(value)}]"
    if isinstance(value, str):
        shown = value if len(value) <= SHOWN_CHARS else value[: SHOWN_CHARS - 1] + "…"
        return json.dumps(shown, ensure_ascii=False) if not shown.isprintable() or " " in shown else shown
    return str(value)[:SHOWN_CHARS]


def _lines_backwards(path: Path) -> Iterator[bytes]:
    try:
        stream = path.open("rb")
    except OSError:
        return
    with stream:
        yield from _backwards(stream)


def _backwards(stream: BinaryIO) -> Iterator[bytes]:
    place = stream.seek(0, os.SEEK_END)
    rest = b""
    while place > 0:
        size = min(BLOCK_BYTES, place)
        place -= size
        stream.seek(place)
        rest, *lines = (stream.read(size) + rest).split(b"\n")
        yield from (line for line in reversed(lines) if line)
    if rest:
        yield rest
