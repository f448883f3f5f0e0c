"""Who holds a claim: a process, told from every other that ever was on any machine."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
from dataclasses import dataclass, fields
from pathlib import Path

DEAD = "dead"


@dataclass(frozen=True)
class Owner:
    """`born` is the process's start time; `boot` and `space` name the boot of its machine and its world of
    process numbers. Empty where unknown."""

    scheduler_id: str
    nonce: str
    host: str
    pid: int
    born: str
    boot: str = ""
    space: str = ""


def this_process(scheduler_id: str) -> Owner:
    """A new owner for the process that asks."""
    pid = os.getpid()
    return Owner(
        scheduler_id, secrets.token_hex(8), socket.gethostname(), pid, process_birth(pid), _boot(), _space()
    )


def read_owner(folder: Path) -> Owner | None:
    """None for a claim whose owner has not said who it is, or not in these words."""
    try:
        record = json.loads((folder / "owner").read_bytes())
        known = {each.name: record[each.name] for each in fields(Owner) if each.name in record}
        owner = Owner(**known)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (owner.scheduler_id, owner.nonce, owner.host, owner.born, owner.boot, owner.space)
    return owner if type(owner.pid) is int and all(isinstance(text, str) for text in texts) else None


def is_dead(owner: Owner, heard_at: float | None) -> bool:
    """Known to be dead, which can only be seen on the machine that ran it. `heard_at`: when the owner last
    renewed its lease, in seconds since the epoch."""
    if owner.host != socket.gethostname():
        return False
    if owner.boot != _boot():
        # Either the machine was started anew since then, or two machines have one name.
        booted_at = _booted_at() if owner.boot else None
        return booted_at is not None and heard_at is not None and heard_at < booted_at
    if owner.space != _space():
        return False
    if not owner.born:
        return not _has_proc() and not _exists(owner.pid)
    return process_birth(owner.pid) != owner.born


def process_birth(pid: int) -> str:
    """What tells this process from a later one with its number: its start time, `dead` for one that has
    ended and is not yet forgotten, empty where unknown."""
    with contextlib.suppress(OSError, IndexError):
        fields_after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return DEAD if fields_after_name[0] in ("Z", "X") else fields_after_name[19]
    return ""


def _has_proc() -> bool:
    return Path("/proc/self/stat").exists()


def _exists(pid: int) -> bool:
    """Whether any process has this number, where births cannot be told."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def _booted_at() -> float | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1])
    return None


def _space() -> str:
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""
