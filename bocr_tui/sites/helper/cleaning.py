"""Freeing what is no longer needed on a site: run folders, uploaded documents, pre-drawn pages.

Only what is named is touched, and only below the root; who asks names nothing that its catalog does not
know, and asks first what other workspaces below the same root need. Links are never followed: one in the
place of a folder is refused, one inside is removed as a link.
"""

import os
import re
import stat
from typing import Any, Dict, List, Optional, Set

from .documents import is_document_name
from .runs import is_run_of, read_file, remove_tree

_RUN = re.compile(r"runs/[a-z][a-z0-9]{3,14}\Z")
_SPLIT = re.compile(r"split/[0-9a-f]{64}\Z")
_TOKEN = re.compile(r"[a-z][a-z0-9]{3,14}\Z")
_SHA256 = re.compile(rb'"sha256": ?"([0-9a-f]{64})"')
MOST_MANIFEST_BYTES = 256 << 20


def measure_things(root: str, names: List[str]) -> Dict[str, int]:
    """The bytes of those of these things that are there: `runs/<token>`, `documents/<aa>/<sha256>.<ext>`,
    `split/<sha256>`."""
    found = {}
    for name in names:
        size = _measure(root, name)
        if size is not None:
            found[name] = size
    return found


def list_splits(root: str) -> List[str]:
    """Every `split/<sha256>` there is."""
    try:
        names = os.listdir(os.path.join(root, "split"))
    except OSError:
        return []
    return [name for name in ("split/%s" % name for name in names) if _SPLIT.match(name)]


def needed_elsewhere(root: str, tokens: List[str]) -> List[str]:
    """SHA-256 of the documents that other workspaces' jobs below this root want: those of every run folder
    whose token is not among these and that has no exit report. A manifest that cannot be read names none; its
    job cannot read it either."""
    ours = set(tokens)
    runs = os.path.join(root, "runs")
    try:
        others = [name for name in os.listdir(runs) if _TOKEN.match(name) and name not in ours]
    except OSError:
        return []
    found: Set[str] = set()
    for name in others:
        run = os.path.join(runs, name)
        if not os.path.lexists(os.path.join(run, "exit.json")):
            manifest = read_file(os.path.join(run, "manifest.json"), 0, MOST_MANIFEST_BYTES) or b""
            found.update(digest.decode() for digest in _SHA256.findall(manifest))
    return sorted(found)


def remove_things(root: str, names: List[str]) -> Dict[str, List[Any]]:
    """Delete these things. {name: [bytes freed, why it was refused or ""]}; what is not there frees 0."""
    return {name: _remove(root, name) for name in names}


def _measure(root: str, name: str) -> Optional[int]:
    if _why_not(root, name):
        return None
    path = os.path.join(root, name)
    size = _size_of(_aside(path)) if _RUN.match(name) or _SPLIT.match(name) else None
    here = _size_of(path)
    return None if size is None and here is None else (size or 0) + (here or 0)


def _size_of(path: str) -> Optional[int]:
    """Of a file or of everything in a folder; None where there is nothing."""
    try:
        info = os.lstat(path)
    except OSError:
        return None
    if not stat.S_ISDIR(info.st_mode):
        return info.st_size
    total = 0
    for parent, _, files in os.walk(path):
        total += sum(_file_size(os.path.join(parent, entry)) for entry in files)
    return total


def _file_size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _remove(root: str, name: str) -> List[Any]:
    words = _why_not(root, name)
    if words:
        return [0, words]
    try:
        return [_remove_document(root, name) if is_document_name(name) else _remove_folder(root, name), ""]
    except OSError as error:
        return [0, "it cannot be removed: %s" % (error.strerror or error)]
    except _Kept as kept:
        return [0, str(kept)]


class _Kept(Exception):
    """It stays; the text says why."""


def _why_not(root: str, name: str) -> str:
    """Why a name is none of ours, or its place is none that can be trusted."""
    if not (_RUN.match(name) or _SPLIT.match(name) or is_document_name(name)):
        return "that is no name of a thing of ours"
    path = root
    for part in name.split("/")[:-1]:
        path = os.path.join(path, part)
        if os.path.islink(path):
            return "%s is a link" % path
    return ""


def _remove_document(root: str, name: str) -> int:
    path = os.path.join(root, name)
    info = _look(path)
    if info is None:
        return 0
    if not stat.S_ISREG(info.st_mode):
        raise _Kept("it is no regular file")
    os.unlink(path)
    return info.st_size


def _remove_folder(root: str, name: str) -> int:
    """Moved aside first: what is interrupted is no half of a run, and goes the next time."""
    path = os.path.join(root, name)
    aside = _aside(path)
    freed = 0
    if os.path.isdir(aside) and not os.path.islink(aside):
        freed += remove_tree(aside)
    info = _look(path)
    if info is None:
        return freed
    if not stat.S_ISDIR(info.st_mode):
        raise _Kept("it is no folder")
    if _RUN.match(name) and not is_run_of(path, os.path.basename(name)):
        raise _Kept("it has no manifest of this token")
    os.rename(path, aside)
    return freed + remove_tree(aside)


def _look(path: str) -> Optional[os.stat_result]:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _aside(path: str) -> str:
    parent, base = os.path.split(path)
    return os.path.join(parent, ".%s.removed" % base)
