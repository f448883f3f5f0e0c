"""The claim: one process works on a run, however often a scheduler starts it.

`claim/` is made by mkdir, which exactly one process can win on any filesystem. Its owner renews a lease;
a second start waits for the lease to lapse, or leaves when the claim belongs to another job.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bocr_worker.files import write_whole

_POLL_S = 0.5


class ClaimedElsewhere(Exception):
    """Another job, or another start of this one that is alive, works on this run."""


@dataclass(frozen=True)
class Owner:
    scheduler_id: str
    nonce: str
    host: str
    pid: int
    born: str


def process_birth(pid: int) -> str:
    """What tells this process from a later one with its number: its start time, empty where unknown."""
    with contextlib.suppress(OSError, IndexError):
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[19]
    return ""


class Claim:
    """Held from `take` to `release`; renewed by heartbeats."""

    def __init__(self, run: Path, owner: Owner) -> None:
        self._run = run
        self._owner = owner

    @classmethod
    def take(
        cls, run: Path, scheduler_id: str, lease_s: float, stopped: Callable[[], bool] = lambda: False
    ) -> Claim:
        """Raises ClaimedElsewhere. Blocks for at most about `lease_s` while a dead start's lease lapses."""
        pid = os.getpid()
        owner = Owner(scheduler_id, secrets.token_hex(8), socket.gethostname(), pid, process_birth(pid))
        give_up_at = time.monotonic() + 2 * lease_s
        while True:
            try:
                (run / "claim").mkdir(mode=0o700)
                break
            except FileExistsError:
                if _make_way(run, owner, lease_s):
                    continue
            if stopped() or time.monotonic() > give_up_at:
                raise ClaimedElsewhere("another start of this job is alive and renews its lease")
            time.sleep(_POLL_S)
        write_whole(run / "claim" / "owner", json.dumps(owner.__dict__).encode())
        claim = cls(run, owner)
        claim.renew()
        return claim

    def renew(self) -> None:
        """Say that the owner lives. Raises ClaimedElsewhere when somebody took the claim meanwhile."""
        current = _read_owner(self._run)
        if current is not None and current.nonce != self._owner.nonce:
            raise ClaimedElsewhere("the lease had lapsed and another start took the claim")
        (self._run / "lease").write_text(self._owner.nonce)

    def release(self) -> None:
        """The run is ended: nobody needs to wait for the lease. The claim itself stays for good."""
        with contextlib.suppress(OSError):
            (self._run / "lease").unlink()


def _make_way(run: Path, owner: Owner, lease_s: float) -> bool:
    """Move a lapsed claim aside; returns whether one was. Raises ClaimedElsewhere for a claim that belongs
    to another job."""
    holder = _read_owner(run)
    if not (run / "lease").exists() and (run / "exit.json").exists():
        return _reopen(run, owner)
    if holder is not None and holder.scheduler_id != owner.scheduler_id and not _is_dead(holder):
        raise ClaimedElsewhere(f"job {holder.scheduler_id} works on this run")
    if (holder is not None and _is_dead(holder)) or _lease_age_s(run) > lease_s:
        with contextlib.suppress(OSError):
            (run / "claim").rename(run / f"claim.lapsed-{owner.nonce}")
            return True
    return False


def _reopen(run: Path, owner: Owner) -> bool:
    """A run that ended with pages left may be started again; one that is done may not."""
    try:
        outcome = json.loads((run / "exit.json").read_bytes()).get("outcome")
    except (OSError, ValueError, AttributeError):
        outcome = None
    if outcome == "ok":
        raise ClaimedElsewhere("this run has ended already")
    with contextlib.suppress(OSError):
        (run / "exit.json").rename(run / f"exit.before-{owner.nonce}.json")
        (run / "claim").rename(run / f"claim.lapsed-{owner.nonce}")
        return True
    return False


def _is_dead(holder: Owner) -> bool:
    """Known to be dead: only ever true on the machine that ran it."""
    if holder.host != socket.gethostname() or not holder.born:
        return False
    return process_birth(holder.pid) != holder.born


def _read_owner(run: Path) -> Owner | None:
    try:
        record = json.loads((run / "claim" / "owner").read_bytes())
        return Owner(**record)
    except (OSError, ValueError, TypeError):
        return None


def _lease_age_s(run: Path) -> float:
    """Age by the filesystem's own clock: hosts' clocks differ, a file touched now does not."""
    probe = run / f".clock-{os.getpid()}"
    probe.write_bytes(b"")
    here = probe.stat().st_mtime
    probe.unlink()
    try:
        return here - (run / "lease").stat().st_mtime
    except OSError:
        return here - (run / "claim").stat().st_mtime if (run / "claim").exists() else 0.0
