"""Looking at documents where they lie: a scan of a folder, detached and nice'd, whose answer is read as it
grows.

A scan lives in `scans/<token>`: `scan.sh`, `known.jsonl` and `order.json` are staged, `scan.jsonl` is what
the worker answers, `process.json` is who scans. Login nodes may be several machines behind one name: whether
a scan of another one lives is told by its answer growing.
"""

import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from typing import Any, Dict, List

from .refusal import Refused
from .run_files import age_s, read_record, write_whole
from .run_lock import is_alive, process_record, take_lock
from .runs import read_file, remove_tree

ANSWER, LOG, PROCESS = "scan.jsonl", "scan.log", "process.json"
LOG_BYTES = 2000
MOST_LOG_BYTES = 1 << 20

SILENT_S = 180.0
"""A scan writes a line every few seconds. One that cannot be asked and wrote none for so long is dead."""

DEAD = "dead"
"""The birth of a process that ended before it could be asked for it (become.process_birth)."""

ENDS_WITHIN_S = 5.0
"""How long a scan that has said its last word may take to be gone."""

LOCK_WAIT_S = 20.0

_TOKEN = re.compile(r"[a-z][a-z0-9]{3,14}\Z")


def find_path(root: str, path: bytes) -> Dict[str, Any]:
    """A path on this site as it is: absolute, `~` expanded, a folder free of links. {"path", "folder"}."""
    del root
    path = os.path.expanduser(path)
    if not path.startswith(b"/") or b"\0" in path:
        raise Refused("%s is no absolute path." % _shown(path), "Name it from / or ~ on.")
    path = os.path.abspath(path)
    try:
        folder = stat.S_ISDIR(os.stat(path).st_mode)
    except OSError as error:
        words = "%s cannot be looked at: %s." % (_shown(path), error.strerror)
        raise Refused(words, "Check the path.") from error
    if folder:
        return {"path": os.path.realpath(path), "folder": True}
    parent, name = os.path.split(path)
    return {"path": os.path.join(os.path.realpath(parent), name), "folder": False}


def start_scan(root: str, token: str, login: bool) -> bool:
    """Start `scans/<token>/scan.sh` detached, unless it runs. `login`: in a login shell of bash, as jobs
    whose setup needs modules. Returns whether it was started now."""
    folder = _folder(root, token)
    lock = take_lock(folder, LOCK_WAIT_S)
    if lock is None:
        return False
    try:
        if _lives(folder):
            return False
        log = os.path.join(folder, LOG)
        if os.path.exists(log) and os.path.getsize(log) > MOST_LOG_BYTES:
            os.unlink(log)
        shell = "bash -l" if login else "/bin/sh"
        script = shlex.quote(os.path.abspath(os.path.join(folder, "scan.sh")))
        command = "umask 077; nice -n 19 %s %s </dev/null >>%s 2>&1 & echo $!" % (shell, script, LOG)
        started = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=60,
            check=True,
            start_new_session=True,
        )
        record = process_record(int(started.stdout))
        write_whole(os.path.join(folder, PROCESS), json.dumps(record).encode())
        return True
    finally:
        lock.release()


def _lives(folder: str) -> bool:
    record = read_record(os.path.join(folder, PROCESS))
    if not record or record.get("born") == DEAD:
        return False
    alive = is_alive(record)
    if alive is not None:
        return alive
    answer = os.path.join(folder, ANSWER)
    newest = answer if os.path.exists(answer) else os.path.join(folder, PROCESS)
    return age_s(newest) < SILENT_S


def follow_scan(root: str, token: str, offset: int, max_bytes: int) -> Dict[str, Any]:
    """What a scan has said from `offset` on: {"exists", "alive", "size", "data", "log"}; the log's end only
    where it is dead. Whether it lives is looked at first, so that a dead one's answer is complete."""
    folder = os.path.join(root, "scans", token)
    if not _TOKEN.match(token) or not os.path.isdir(folder):
        return {"exists": False, "alive": False, "size": 0, "data": b"", "log": b""}
    alive = _lives(folder)
    answer = os.path.join(folder, ANSWER)
    data = read_file(answer, offset, max_bytes) or b""
    try:
        size = os.lstat(answer).st_size
    except OSError:
        size = 0
    log = b"" if alive else (read_file(os.path.join(folder, LOG), 0, MOST_LOG_BYTES) or b"")[-LOG_BYTES:]
    return {"exists": True, "alive": alive, "size": size, "data": data, "log": log}


def gone_files(root: str, paths: List[bytes]) -> List[bytes]:
    """Which of these paths lead to nothing any more. What cannot be looked at is not gone."""
    del root
    return [path for path in paths if _is_gone(path)]


def _is_gone(path: bytes) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def remove_scan(root: str, token: str) -> int:
    """Delete `scans/<token>`, only if its order names this token and nobody scans. Returns the bytes freed;
    0 when there is none."""
    folder = os.path.join(root, "scans", token)
    if not _TOKEN.match(token) or not os.path.lexists(folder):
        return 0
    folder = _folder(root, token)
    deadline = time.monotonic() + ENDS_WITHIN_S
    while _lives(folder):
        if time.monotonic() > deadline:
            raise Refused("The scan %s is not over." % token)
        time.sleep(0.05)
    return remove_tree(folder)


def _folder(root: str, token: str) -> str:
    """A scan's folder, which is ours. Raises Refused."""
    folder = os.path.join(root, "scans", token)
    ours = _TOKEN.match(token) and not os.path.islink(folder)
    if not ours or read_record(os.path.join(folder, "order.json")).get("token") != token:
        raise Refused("scans/%s is no scan of ours." % token)
    return folder


def _shown(path: bytes) -> str:
    return path.decode(sys.getfilesystemencoding() or "utf-8", "backslashreplace")
