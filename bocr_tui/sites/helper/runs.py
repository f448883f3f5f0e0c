"""Run folders on a site: their news, their removal."""

import binascii
import hashlib
import os
import re
import stat
from typing import Any, Dict, List, Optional

MAX_HEADER_BYTES = 65536
MAX_EXIT_BYTES = 1 << 20
MANIFEST_HEAD_BYTES = 4096
LOG_TAIL_BYTES = 65536
MOST_FILES = 256
"""Journals, and results files, of one run: a worker writes one of each for each time it is started."""
LOG_NAMES = ("job.log", "server.log", "pbs.log")

_WRITTEN = {kind: re.compile(kind + r"-[0-9a-f]{16}\.jsonl\Z") for kind in ("journal", "results")}
"""What a worker writes. Whatever else lies there, such as a copy that somebody made, is none of ours."""


def poll_runs(
    root: str, asks: List[Dict[str, Any]], budget_bytes: Optional[int] = None
) -> List[Dict[str, Any]]:
    """New bytes of many runs' files, in one call; of all files together at most `budget_bytes`, so that one
    answer is never too long. What is left over is answered the next time.

    `asks`: [{"token", "offsets": {file name: offset}, "max_bytes", "logs": [name]}]. Answers in the
    same order {"token", "exists", "exit" (bytes or None), "files": [{"name", "size", "offset", "head",
    "data"}], "problem": why a folder that is there cannot be read, else ""}.
    exit.json is read before the journals and journals before results, so that whatever an earlier file
    speaks of is found in a later one.
    """
    budget = _Budget(budget_bytes)
    return [_poll_run(root, ask, budget) for ask in asks]


class _Budget:
    """Bytes that may still be answered."""

    def __init__(self, left: Optional[int]) -> None:
        self._left = left

    def bound(self, max_bytes: int) -> int:
        return max_bytes if self._left is None else min(max_bytes, self._left)

    def spend(self, entry: Dict[str, Any]) -> None:
        if self._left is not None:
            self._left = max(0, self._left - len(entry["data"]))


def _poll_run(root: str, ask: Dict[str, Any], budget: _Budget) -> Dict[str, Any]:
    run = os.path.join(root, "runs", ask["token"])
    news = {
        "token": ask["token"],
        "exists": os.path.isdir(run),
        "exit": None,
        "files": [],
        "problem": "",
    }  # type: Dict[str, Any]
    if not news["exists"]:
        return news
    ended = read_file(os.path.join(run, "exit.json"), 0, MAX_EXIT_BYTES)
    try:
        names = sorted(os.listdir(run))
    except OSError as error:
        news["problem"] = error.strerror or str(error)
        return news
    news["exit"] = ended
    for written in _WRITTEN.values():
        wanted = [name for name in names if written.match(name)]
        wanted.sort(key=lambda name: name not in ask["offsets"])  # those that were read stay in sight
        for name in wanted[:MOST_FILES]:
            entry = _poll_file(run, name, ask["offsets"].get(name, 0), budget.bound(ask["max_bytes"]))
            if entry is not None:
                budget.spend(entry)
                news["files"].append(entry)
    for name in ask.get("logs", ()):
        if name in LOG_NAMES:
            entry = _poll_log(run, name, ask["offsets"].get(name), budget.bound(ask["max_bytes"]))
            if entry is not None:
                budget.spend(entry)
                news["files"].append(entry)
    return news


def _poll_log(run: str, name: str, offset: Optional[int], max_bytes: int) -> Optional[Dict[str, Any]]:
    """A log's news; what was never read begins near its end."""
    try:
        size = os.lstat(os.path.join(run, name)).st_size
    except OSError:
        return None
    if offset is None or offset > size:
        offset = max(0, size - LOG_TAIL_BYTES)
    return _poll_file(run, name, offset, max_bytes)


def _poll_file(run: str, name: str, offset: int, max_bytes: int) -> Optional[Dict[str, Any]]:
    path = os.path.join(run, name)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None  # a link may lead anywhere, a pipe never answers
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            head = stream.readline(MAX_HEADER_BYTES)
            data = b""
            if offset < size:
                stream.seek(offset)
                data = stream.read(max_bytes)
    except OSError:
        return None
    return {
        "name": name,
        "size": size,
        "offset": offset,
        "head": binascii.crc32(head) & 0xFFFFFFFF,
        "data": data,
    }


def read_file(path: str, offset: int, max_bytes: int) -> Optional[bytes]:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as stream:
            stream.seek(offset)
            return stream.read(max_bytes)
    except OSError:
        return None


def remove_run(root: str, token: str) -> int:
    """Delete `runs/<token>`, only if its manifest names this token. Returns the bytes freed."""
    run = os.path.join(root, "runs", token)
    if os.path.basename(token) != token or os.path.islink(run) or not is_run_of(run, token):
        raise PermissionError("runs/%s has no manifest of this token" % token)
    return remove_tree(run)


def is_run_of(run: str, token: str) -> bool:
    """Whether the manifest in this run folder names this token, near its beginning."""
    manifest = read_file(os.path.join(run, "manifest.json"), 0, MANIFEST_HEAD_BYTES)
    return manifest is not None and ('"token": "%s"' % token).encode() in manifest


def remove_tree(folder: str) -> int:
    freed = 0
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in names:
            path = os.path.join(parent, name)
            freed += os.lstat(path).st_size
            os.unlink(path)
        for name in folders:
            path = os.path.join(parent, name)
            if os.path.islink(path):
                os.unlink(path)
            else:
                os.rmdir(path)
    os.rmdir(folder)
    return freed


def sha256_of(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()
