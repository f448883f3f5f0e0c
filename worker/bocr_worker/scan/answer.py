"""The file that a scan answers with: goes on where an earlier start ended, whatever ended it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import threading
import time
from pathlib import Path

from bocr_worker import __version__
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.lines import MAX_LINE_BYTES
from bocr_worker.protocol.scan import (
    KnownFile,
    ScanEnd,
    ScanHeader,
    ScannedFile,
    ScanRecord,
    ScanTrouble,
    decode_scan,
    encode_scan,
)
from bocr_worker.scan.walk import Found


class AnswerRefused(Exception):
    """This file cannot be answered into; says why."""


class Answer:
    """One scan's answer. Knows what it says of each path, in a hundred bytes a file."""

    def __init__(self, path: Path, scanned: bytes) -> None:
        """Raises AnswerRefused, OSError."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(path, flags, 0o600)
        self._said: dict[bytes, bytes] = {}
        self._turn = threading.Lock()
        self._ended = False
        try:
            self._lock(path)
            self._read(scanned)
        except BaseException:
            os.close(self._handle)
            raise
        self.append(ScanHeader(scanned, __version__, socket.gethostname()[:300], round(time.time(), 3)))

    def _lock(self, path: Path) -> None:
        try:
            fcntl.lockf(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise AnswerRefused(f"another scan answers into {path}") from None
        except OSError:
            pass  # a filesystem without locks: whoever starts scans sees to it that it is one

    def _read(self, scanned: bytes) -> None:
        """Learn what was said; cut off what an earlier start did not end."""
        first, whole_bytes = True, 0
        with os.fdopen(os.dup(self._handle), "rb") as stream:
            stream.seek(0)
            while (line := stream.readline(MAX_LINE_BYTES)).endswith(b"\n"):
                whole_bytes += len(line)
                try:
                    record = decode_scan(line[:-1])
                except ProtocolError:
                    record = None
                if first and not (isinstance(record, ScanHeader) and record.path == scanned):
                    raise AnswerRefused("it holds the answer of another scan")
                first = False
                if record is not None:
                    self._remember(record)
        os.ftruncate(self._handle, whole_bytes)

    def says(self, record: Found | ScanTrouble) -> bool:
        """Whether just this was said of the path last."""
        return self._said.get(_key(record.path)) == _gist(record)

    def append(self, record: ScanRecord) -> None:
        """From any thread; nothing after the end. Raises OSError, and then nothing of the record stays."""
        data = encode_scan(record)
        if len(data) > MAX_LINE_BYTES and isinstance(record, ScannedFile):
            record = ScanTrouble(record.path, "Its pages are too many to be listed.")
            data = encode_scan(record)
        with self._turn:
            if not self._ended:
                self._write(data)
                self._remember(record)
                self._ended = isinstance(record, ScanEnd)

    def _write(self, data: bytes) -> None:
        before = os.fstat(self._handle).st_size
        try:
            while data:
                data = data[os.write(self._handle, data) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, before)
            raise

    def _remember(self, record: ScanRecord) -> None:
        if isinstance(record, (KnownFile, ScannedFile, ScanTrouble)):
            self._said[_key(record.path)] = _gist(record)

    def sync(self) -> None:
        os.fsync(self._handle)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.fsync(self._handle)
        os.close(self._handle)


def read_known(path: Path) -> dict[bytes, str]:
    """SHA-256 by `file_key`, from lines of known files. What does not read well is not known. Raises
    OSError."""
    known: dict[bytes, str] = {}
    with path.open("rb") as stream:
        while line := stream.readline(MAX_LINE_BYTES):
            with contextlib.suppress(ProtocolError):
                record = decode_scan(line.rstrip(b"\n"))
                if isinstance(record, KnownFile):
                    known[file_key(record)] = record.sha256
    return known


def file_key(record: Found | KnownFile) -> bytes:
    """Stands for a path with its size and time."""
    return _key(record.path) + _gist(record)


def _key(path: bytes) -> bytes:
    return hashlib.blake2b(path, digest_size=16).digest()


def _gist(record: Found | KnownFile | ScannedFile | ScanTrouble) -> bytes:
    if isinstance(record, ScanTrouble):
        return hashlib.blake2b(record.sentence.encode("utf-8", "replace"), digest_size=9).digest()
    return hashlib.blake2b(b"%d %d" % (record.size_bytes, record.mtime_ns), digest_size=8).digest()
