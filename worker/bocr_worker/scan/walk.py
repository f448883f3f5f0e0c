"""Which files a path on a site stands for, in a stable order: the rules are those of the panel's intake.

Links are followed, each folder is entered once; hidden names are passed over, and so are the folders in which
bocr itself keeps documents and images on this site. Paths are bytes throughout.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from bocr_worker.protocol.scan import ScanTrouble

CANDIDATES = frozenset({b".pdf", b".png", b".jpg", b".jpeg", b".tif", b".tiff", b".bmp", b".webp"})
"""Extensions of the files that are taken from folders; a file named by itself may have any."""

_OWN = (b"documents", b"runs", b"scans", b"split", b"vendor", b"workers")


@dataclass(frozen=True)
class Found:
    """A regular file to look at."""

    path: bytes
    size_bytes: int
    mtime_ns: int


def files(path: bytes, site_root: bytes | None = None) -> Iterator[Found | ScanTrouble]:
    """Everything that an absolute path stands for. Blocks on every folder it enters."""
    try:
        info = os.stat(path)
    except (OSError, ValueError) as error:
        yield _trouble(path, error)
        return
    if stat.S_ISDIR(info.st_mode):
        yield from _Walk(site_root).folder(path)
    elif stat.S_ISREG(info.st_mode):
        yield Found(path, info.st_size, info.st_mtime_ns)
    else:
        yield ScanTrouble(path, "This is no regular file.")


class _Walk:
    def __init__(self, site_root: bytes | None) -> None:
        inside = [] if site_root is None else [os.path.join(site_root, name) for name in _OWN]
        self._closed = {identity for identity in map(_identity, inside) if identity is not None}
        self._root = None if site_root is None else _identity(site_root)

    def folder(self, top: bytes) -> Iterator[Found | ScanTrouble]:
        """Depth first, by name. The site's own folder is entered only if it was named."""
        stack = [iter([top])]
        while stack:
            path = next(stack[-1], None)
            if path is None:
                stack.pop()
                continue
            try:
                info = os.stat(path)
            except OSError as error:
                if is_candidate(path):
                    yield _trouble(path, error)
                continue
            if stat.S_ISDIR(info.st_mode):
                if not self._may_enter(info, named=path == top):
                    continue
                try:
                    names = _names(path)
                except OSError as error:
                    yield _trouble(path, error)
                    continue
                stack.append(iter([os.path.join(path, name) for name in names]))
            elif is_candidate(path):
                if stat.S_ISREG(info.st_mode):
                    yield Found(path, info.st_size, info.st_mtime_ns)
                else:
                    yield ScanTrouble(path, "This is no regular file.")

    def _may_enter(self, info: os.stat_result, *, named: bool) -> bool:
        identity = (info.st_dev, info.st_ino)
        if identity in self._closed or (identity == self._root and not named):
            return False
        self._closed.add(identity)
        return True


def _names(folder: bytes) -> list[bytes]:
    """What may be a folder or a candidate; the rest is not even asked for its kind."""
    with os.scandir(folder) as entries:
        return sorted(
            entry.name
            for entry in entries
            if not entry.name.startswith(b".")
            and (is_candidate(entry.name) or not entry.is_file(follow_symlinks=False))
        )


def is_candidate(path: bytes) -> bool:
    return os.path.splitext(path)[1].lower() in CANDIDATES


def _identity(folder: bytes) -> tuple[int, int] | None:
    try:
        info = os.stat(folder)
    except OSError:
        return None
    return (info.st_dev, info.st_ino)


def _trouble(path: bytes, error: OSError | ValueError) -> ScanTrouble:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        if os.path.islink(path):
            return ScanTrouble(path, "This is a link to a file that does not exist.", gone=True)
        return ScanTrouble(path, "This file does not exist.", gone=True)
    if isinstance(error, PermissionError):
        return ScanTrouble(path, "There is no permission to read this.")
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ScanTrouble(path, f"This cannot be read: {why}.")
