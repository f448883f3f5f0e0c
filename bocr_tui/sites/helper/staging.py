"""Folders made on a site, whole or not at all."""

import os
from typing import Dict

from .private import make_folders
from .refusal import Refused
from .runs import read_file, remove_tree

SYNC_UP_TO = 16
"""Up to so many files are synced before their folders get their names. More are not: syncing a thousand takes
fifty times as long as writing them. A network file system has them once they are closed; on others a crash of
the whole machine may leave files cut or empty, which is noticed and mended when they are staged again."""

BEGUN = ("claim", "intent", "jobid")
"""In a run's folder: somebody works with it."""


def stage_folders(root: str, folders: Dict[str, Dict[str, bytes]]) -> None:
    """Make folders (below the root) of files {relative name: bytes}, each all of it or nothing.

    A folder that is there already is left as it is when every file in it is the same, otherwise
    FileExistsError. Files are private to the user.
    """
    synced = sum(len(files) for files in folders.values()) <= SYNC_UP_TO
    for folder, files in folders.items():
        target = below(root, folder)
        if os.path.isdir(target):
            if _is_same(target, folder, files):
                continue
            _set_aside(target)
        _make(target, files, synced)


def _make(target: str, files: Dict[str, bytes], synced: bool) -> None:
    parent, base = os.path.split(target)
    part = os.path.join(parent, ".%s.%d.part" % (base, os.getpid()))
    if os.path.isdir(part):
        remove_tree(part)
    make_folders(parent)
    os.mkdir(part, 0o700)
    try:
        made = {part}
        for name, data in files.items():
            path = below(part, name)
            folder = os.path.dirname(path)
            if folder not in made:
                make_folders(folder)
                made.add(folder)
            _write(path, data, synced)
        os.rename(part, target)
    except OSError:
        if not os.path.isdir(target):
            raise  # otherwise somebody else has made it meanwhile
    finally:
        if os.path.isdir(part):
            remove_tree(part)


def _write(path: str, data: bytes, synced: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        if synced:
            os.fsync(handle)
    finally:
        os.close(handle)


def _is_same(target: str, folder: str, files: Dict[str, bytes]) -> bool:
    """False for a folder that lost bytes in a crash. Raises FileExistsError for one with other content."""
    same = True
    for name, data in files.items():
        there = read_file(below(target, name), 0, len(data) + 1)
        if there == data:
            continue
        if there is None or not _is_torn(there, data) or _is_begun(target):
            raise FileExistsError("%s exists with another %s" % (folder, name))
        same = False
    return same


def _is_torn(there: bytes, data: bytes) -> bool:
    """Whether it is the same file, cut or filled with zeros by a crash."""
    kept = there.rstrip(b"\0")
    return len(there) <= len(data) and data.startswith(kept)


def _is_begun(target: str) -> bool:
    return any(os.path.lexists(os.path.join(target, name)) for name in BEGUN)


def _set_aside(target: str) -> None:
    parent, base = os.path.split(target)
    aside = os.path.join(parent, ".%s.%d.torn" % (base, os.getpid()))
    os.rename(target, aside)
    remove_tree(aside)


def below(folder: str, name: str) -> str:
    """A path below a folder. Raises Refused for a name that leads elsewhere."""
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Refused("%r is no name below a folder." % name)
    return os.path.join(folder, *parts)
