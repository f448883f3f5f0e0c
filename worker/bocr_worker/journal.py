"""The worker's side of the journal: writing one, and reading those of earlier tries and stages."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from bocr_worker import __version__
from bocr_worker.files import Appender, sync_folder
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import HEARTBEAT, STAGE, Header, PageEvent
from bocr_worker.protocol.exit_report import JournalEnd
from bocr_worker.protocol.lines import MAX_LINE_BYTES, after_zeros, decode_line, encode_line


class JournalWriter:
    """One journal: one worker, one start. Every start writes a file of its own, so two processes never
    append to the same one."""

    def __init__(
        self, run: Path, token: str, heard: Callable[[dict[str, Any]], object] | None = None
    ) -> None:
        """`heard` is told of each record after the header."""
        self._heard = heard
        self.generation = secrets.token_hex(8)
        self.path = run / f"journal-{self.generation}.jsonl"
        self._file = Appender(self.path)
        self._seq = 0
        header = Header(
            token=token,
            generation=self.generation,
            worker=__version__,
            host=socket.gethostname()[:300],
            pid=os.getpid(),
            at=round(time.time(), 3),
        )
        self._file.append(encode_line(header.record()))
        self._file.sync()
        sync_folder(run)

    def page(self, event: PageEvent) -> None:
        self._write(event.record())

    def heartbeat(self, **facts: Any) -> None:
        self._write({"kind": HEARTBEAT, "at": round(time.time(), 3), **facts})

    def stage(self, phase: str, **facts: Any) -> None:
        """A phase of the job began: loading, feeding, draining, ended."""
        self._write({"kind": STAGE, "at": round(time.time(), 3), "phase": phase, **facts})

    def _write(self, record: dict[str, Any]) -> None:
        self._seq += 1
        record["seq"] = self._seq
        self._file.append(encode_line(record))
        if self._heard is not None:
            self._heard(record)

    def sync(self) -> None:
        self._file.sync()

    def close(self) -> None:
        self._file.sync()
        self._file.close()

    def end(self) -> JournalEnd:
        return JournalEnd(self.path.name, self.generation, self._file.length, self._seq)


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a journal that read well; the others are passed over, and so is all that follows a
    fault of the disk.

    For a worker that resumes this is safe: what it does not know of, it does again. The panel, which must
    not, reads with a cursor instead.
    """
    # A link may lead anywhere, a pipe never answers.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        stream = os.fdopen(os.open(path, flags), "rb")
    except OSError:
        return
    with stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            return
        for line in _whole_lines(stream):
            with contextlib.suppress(ProtocolError):
                yield decode_line(after_zeros(line), path.name)


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines without their LF; never more of one in memory than an honest line has."""
    too_long = False
    while True:
        try:
            line = stream.readline(MAX_LINE_BYTES + 1)
        except OSError:
            return
        if line.endswith(b"\n"):
            if not too_long:
                yield line[:-1]
            too_long = False
        elif len(line) > MAX_LINE_BYTES:
            too_long = True
        else:
            return  # the end, or a line that is still being written
