"""Files that arrive on a site as a stream: verified before they get their names, resumed where cut."""

import contextlib
import hashlib
import os
import re
import stat
import threading
from io import BufferedReader
from typing import Any, BinaryIO, Dict, Iterator, List, Tuple

from .documents import is_document_name
from .private import make_folders
from .refusal import Refused

CHUNK_BYTES, PIECE_BYTES = 1 << 20, 1 << 17
SYNCED_TOGETHER = 8
"""Files synced at a time: a disk does several in hardly more time than one."""

_WHEEL = re.compile(r"wheels/[0-9a-z-]{1,80}/[0-9A-Za-z_][0-9A-Za-z_.+!-]{0,200}\.whl\Z")


class Cut(Refused):
    """The stream ended before everything had come."""


def upload_state(root: str, wanted: List[Tuple[str, int]]) -> List[int]:
    """How many bytes of each file (name, size) are there: all of them, or what was left by an upload that
    was cut, or -1."""
    return [_bytes_there(_path(root, name), size) for name, size in wanted]


def _bytes_there(path: str, size: int) -> int:
    if _regular_size(path) == size:
        return size
    # A part with every byte in it is still to be verified: its last one is asked for again.
    return min(_regular_size(_part_path(path)), size - 1)


def receive_files(root: str, stream: BufferedReader, entries: List[Tuple[str, int, str]]) -> List[str]:
    """Store files (name, size, sha256) that come one after another; those that came whole before a cut are
    kept. Returns the names of those whose bytes are not what their hash says: they are not stored."""
    damaged = []
    arrived: Dict[str, str] = {}
    try:
        for name, size, digest in entries:
            path = _path(root, name)
            with _temporary(path) as part:
                if _receive(stream, part, size) == digest:
                    arrived[part] = path
                else:
                    damaged.append(name)
    finally:
        _settle(arrived)
    return damaged


def _settle(arrived: Dict[str, str]) -> None:
    """Give files their names once they are on the disk. Where that fails, as under a quota that is noticed
    late, what came takes no more room."""
    try:
        _sync(list(arrived))
        for part, path in arrived.items():
            os.rename(part, path)
    except OSError:
        for part in arrived:
            with contextlib.suppress(OSError):
                os.unlink(part)
        raise


@contextlib.contextmanager
def _temporary(path: str) -> Iterator[str]:
    """A path beside this one for what is not verified yet; removed when that fails."""
    part = "%s.%d" % (_part_path(path), os.getpid())
    try:
        yield part
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def _receive(stream: BufferedReader, part: str, size: int) -> str:
    make_folders(os.path.dirname(part))
    known = hashlib.sha256()
    with open(part, "wb", buffering=0) as sink:
        _copy(stream, sink, size, known)
    return known.hexdigest()


def receive_file(root: str, stream: BufferedReader, name: str, size: int, digest: str, offset: int) -> bool:
    """Store a large file from `offset` on, behind what an earlier upload left. What comes before a cut is
    kept. False when all its bytes together are not what the hash says; they are deleted then."""
    path = _path(root, name)
    part = _part_path(path)
    make_folders(os.path.dirname(path))
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with open(handle, "r+b", buffering=0) as sink:
        known = _hash_part(sink, offset)
        # Each byte is written to its own place: an older upload that still lives does no harm.
        sink.seek(offset)
        try:
            _copy(stream, sink, size - offset, known)
        finally:
            os.fsync(handle)
        if known.hexdigest() != digest:
            os.unlink(part)
            return False
        os.ftruncate(handle, size)
    os.rename(part, path)
    return True


def _hash_part(sink: BinaryIO, offset: int) -> Any:
    known = hashlib.sha256()
    left = offset
    while left:
        chunk = sink.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise Refused("What an earlier upload left became shorter.", "Upload again.")
        known.update(chunk)
        left -= len(chunk)
    return known


def _copy(stream: BufferedReader, sink: BinaryIO, size: int, known: Any) -> None:
    """Move `size` bytes, and hash them. Each piece as it comes: it is still in the processor's cache then,
    which makes this three times as fast as by the megabyte."""
    left = size
    while left:
        chunk = stream.read1(min(left, PIECE_BYTES))
        if not chunk:
            raise Cut("The upload was cut.", "Upload again: it goes on from here.")
        view = memoryview(chunk)
        while view:
            view = view[sink.write(view) :]
        known.update(chunk)
        left -= len(chunk)


def _sync(paths: List[str]) -> None:
    """Do not return before these files are on the disk."""
    problems: List[OSError] = []

    def work(part: List[str]) -> None:
        try:
            for path in part:
                _sync_one(path)
        except OSError as error:
            problems.append(error)

    parts = [paths[first::SYNCED_TOGETHER] for first in range(min(len(paths), SYNCED_TOGETHER))]
    threads = [threading.Thread(target=work, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


def _sync_one(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _regular_size(path: str) -> int:
    try:
        info = os.lstat(path)
    except OSError:
        return -1
    return info.st_size if stat.S_ISREG(info.st_mode) else -1


def _path(root: str, name: str) -> str:
    """Uploads go to the places made for them and nowhere else."""
    if not is_document_name(name) and not _WHEEL.match(name):
        raise Refused("%r is no name of a document or a wheel." % name)
    return os.path.join(root, name)


def _part_path(path: str) -> str:
    parent, base = os.path.split(path)
    return os.path.join(parent, ".%s.part" % base)
