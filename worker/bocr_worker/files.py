"""Files that are complete or absent: write, fsync, rename, fsync the folder."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make a rename or a new name in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network filesystems refuse to sync a folder; the rename itself is still atomic
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees all of it or the file that was there before."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    finally:
        os.close(handle)
    part.replace(path)
    sync_folder(path.parent)


class Appender:
    """An append-only file of our own making: knows its length, writes a record with one call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        self.length = 0

    def append(self, data: bytes) -> int:
        """Returns the offset at which `data` begins. Raises OSError; then nothing of `data` stays."""
        offset = self.length
        try:
            written = os.write(self._handle, data)
            while written < len(data):
                written += os.write(self._handle, data[written:])
        except OSError:
            # Half a record would move all that follow away from where the journal says they are.
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, offset)
            raise
        self.length += len(data)
        return offset

    def sync(self) -> None:
        os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)
