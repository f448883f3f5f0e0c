"""A lock on a run folder that any machine of a cluster may take, and that no dead holder keeps.

flock is often off on cluster filesystems; making a folder and renaming one are not. Each holding is a folder
of its own, `lock/1`, `lock/2`, …, which appears with its holder inside: the highest number holds until it is
released or known to be dead, and only the next number succeeds it. No folder is ever taken away, so a number
is never held twice.
"""

import binascii
import contextlib
import json
import os
import socket
import time
from functools import lru_cache
from typing import Any, Dict, Optional

from .become import process_birth
from .refusal import Refused
from .run_files import age_s, read_record, remove_file

HOLDER, RELEASED = "holder.json", "released"

LONGEST_HELD_S = 240.0
"""A holder on another machine, which cannot be asked, is dead after this long. It is more than the longest
thing that is done under the lock."""

POLL_S = 0.05


class RunLock:
    """Held from `take_lock` to `release`."""

    def __init__(self, folder: str, number: int) -> None:
        self._folder = folder
        self._number = number

    def release(self) -> None:
        place = os.path.join(self._folder, str(self._number))
        try:
            with open(os.path.join(place, RELEASED), "wb"):
                pass
        except OSError:  # a full disk still takes another name for what it has
            with contextlib.suppress(OSError):
                os.rename(os.path.join(place, HOLDER), os.path.join(place, RELEASED))

    def still_held(self) -> bool:
        """False when somebody took this holder for dead."""
        return _highest(self._folder) == self._number


def take_lock(run: str, wait_s: float) -> Optional[RunLock]:
    """None when another holder, who may be alive, did not release it within `wait_s`."""
    folder = os.path.join(run, "lock")
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        raise Refused("There is no run folder %s." % run) from None
    deadline = time.monotonic() + wait_s
    while True:
        highest = _highest(folder)
        if highest == 0 or _is_free(os.path.join(folder, str(highest))):
            if _try_take(folder, highest + 1):
                return RunLock(folder, highest + 1)
            continue
        if time.monotonic() > deadline:
            return None
        time.sleep(POLL_S)


def _highest(folder: str) -> int:
    return max([int(name) for name in os.listdir(folder) if name.isdigit()] or [0])


def _try_take(folder: str, number: int) -> bool:
    """Put a folder with its holder inside in place. One that is there already has a holder in it, and a
    folder with something in it is never replaced."""
    nonce = binascii.hexlify(os.urandom(8)).decode()
    part, target = os.path.join(folder, "." + nonce), os.path.join(folder, str(number))
    os.mkdir(part, 0o700)
    with open(os.path.join(part, HOLDER), "w") as stream:
        json.dump(dict(process_record(os.getpid()), nonce=nonce), stream)
    try:
        os.rename(part, target)
    except OSError:
        # A server's answer may get lost after it did what was asked: what counts is who is inside.
        if read_record(os.path.join(target, HOLDER)).get("nonce") == nonce:
            return True
        remove_file(os.path.join(part, HOLDER))
        os.rmdir(part)
        return False
    return True


def _is_free(place: str) -> bool:
    if os.path.exists(os.path.join(place, RELEASED)):
        return True
    holder = os.path.join(place, HOLDER)
    alive = is_alive(read_record(holder))
    return age_s(holder) > LONGEST_HELD_S if alive is None else not alive


def process_record(pid: int) -> Dict[str, Any]:
    """What `is_alive` recognises a process of this machine by."""
    return {"host": socket.gethostname(), "boot": _boot(), "pid": pid, "born": process_birth(pid)}


def is_alive(record: Dict[str, Any]) -> Optional[bool]:
    """Whether this process lives; None where that cannot be known: on another machine, or before this one
    was started anew."""
    pid, born = record.get("pid"), record.get("born")
    here = (socket.gethostname(), _boot())
    if (record.get("host"), record.get("boot")) != here or not isinstance(pid, int) or not born:
        return None
    return bool(process_birth(pid) == born)


def is_over(record: Dict[str, Any]) -> bool:
    """Whether this process, which led a session of its own, and all it started there are known to be gone."""
    if is_alive(record) is not False:
        return False
    leader = str(record["pid"]).encode()
    try:
        numbers = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return False
    for number in numbers:
        try:
            with open("/proc/%s/stat" % number, "rb") as stream:
                fields = stream.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields[3] == leader and fields[0] != b"Z":
            return False
    return True


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id") as stream:
            return stream.read(100).strip()
    except OSError:
        return ""
