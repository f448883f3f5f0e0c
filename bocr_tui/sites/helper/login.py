"""The login node and the site's folder on it, for `bocr doctor`."""

import binascii
import contextlib
import getpass
import os
import platform
import shutil
import stat
import sys
import time
from typing import Any, Dict, List

from .bounded import run_bounded

QUOTA_TIMEOUT_S = 15.0
QUOTA_BYTES = 16384
TOOLS = ("bash", "tar", "nice")


def login_facts(root: str) -> Dict[str, Any]:
    """What the login node is, and how the root stands; it is made if it is not there.

    Answers {"python", "executable", "host", "user", "now", "missing": programs, "root": {"path", "made",
    "problem", "mode", "free_bytes", "total_bytes", "free_files"}, "quotas": [words]}.
    """
    return {
        "python": "%d.%d.%d" % sys.version_info[:3],
        "executable": sys.executable or "python3",
        "host": platform.node(),
        "user": _user(),
        "now": time.time(),
        "missing": [name for name in TOOLS if shutil.which(name) is None],
        "root": _root_facts(root),
        "quotas": _quotas(root),
    }


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _root_facts(root: str) -> Dict[str, Any]:
    facts = {"path": root, "made": False, "problem": "", "mode": 0}  # type: Dict[str, Any]
    try:
        if not os.path.isdir(root):
            os.makedirs(root, mode=0o700)
            facts["made"] = True
        _write_into(root)
        facts["mode"] = stat.S_IMODE(os.stat(root).st_mode)
        disk = os.statvfs(root)
    except OSError as error:
        facts["problem"] = error.strerror or str(error)
        return facts
    facts["free_bytes"] = disk.f_bavail * disk.f_frsize
    facts["total_bytes"] = disk.f_blocks * disk.f_frsize
    facts["free_files"] = disk.f_favail if disk.f_files else -1
    return facts


def _write_into(root: str) -> None:
    path = os.path.join(root, ".bocr-%s.part" % binascii.hexlify(os.urandom(4)).decode())
    try:
        with open(path, "wb") as stream:
            stream.write(b"x" * 4096)
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _quotas(root: str) -> List[str]:
    """What the quota programs that there are say, in their own words: each file system has its own."""
    said = []
    for command in (["quota", "-s"], ["lfs", "quota", "-h", "-u", _user(), root]):
        if shutil.which(command[0]) is None:
            continue
        try:
            done = run_bounded(command, QUOTA_TIMEOUT_S, QUOTA_BYTES)
        except OSError:
            continue
        words = done["out"].decode("utf-8", "replace").strip()
        if words:
            said.append(words)
    return said
