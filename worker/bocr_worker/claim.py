"""The claim: one process works on a run, however often a scheduler starts it.

`claim/`, `claim.2/`, `claim.3/`, … are made by mkdir, which exactly one process can win on any filesystem.
The one with the highest number holds the run, and to follow it is to make the next: nothing is ever renamed
or removed, so of two that see a holder gone only one can follow it.

The holder shows that it lives by changing `lease` every few seconds. A lease has lapsed for somebody who has
watched it and seen no change for `lease_s` of his own time: hosts' clocks differ, and a network filesystem
may show times of a minute ago. A holder that could not renew for most of that time no longer knows whether it
was followed. Before it writes another verdict it makes the next claim itself, or learns that it is too late.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

from bocr_worker.files import write_whole
from bocr_worker.owner import Owner, is_dead, read_owner, this_process

_POLL_S = 0.5
_FRESH_SHARE = 0.7
"""Of the lease: for so long after a renewal nobody can have followed, clocks of unequal pace included."""

_CLAIM = re.compile(r"claim(?:\.([1-9][0-9]{0,8}))?")


class ClaimedElsewhere(Exception):
    """Another job, or another start of this one that is alive, works on this run."""


class Claim:
    """Held from `take` to `release`; renewed by heartbeats. `lost` once another start holds the run."""

    def __init__(self, run: Path, owner: Owner, lease_s: float) -> None:
        self._run = run
        self._owner = owner
        self._fresh_s = lease_s * _FRESH_SHARE
        self._number = 0
        self._beats = 0
        self._renewed_at = 0.0
        self.lost = False

    @classmethod
    def take(
        cls, run: Path, scheduler_id: str, lease_s: float, stopped: Callable[[], bool] = lambda: False
    ) -> Claim:
        """Raises ClaimedElsewhere. Waits up to twice `lease_s` for another start's lease to lapse."""
        claim = cls(run, this_process(scheduler_id), lease_s)
        watch = Watch(run)
        give_up_at = now() + 2 * lease_s
        while True:
            number = holder_number(run)
            if _may_follow(run, number, claim._owner, watch, lease_s) and claim._make(number + 1):
                return claim
            if stopped() or now() > give_up_at:
                raise ClaimedElsewhere("another start of this job is alive and renews its lease")
            time.sleep(min(_POLL_S, lease_s / 4))

    def renew(self) -> None:
        """Say that the holder lives. Raises ClaimedElsewhere when somebody took the claim meanwhile, and
        OSError."""
        if self.lost:
            raise ClaimedElsewhere("another start of this job took the claim")
        if not self.is_fresh() and not self._make(self._number + 1):
            self.lost = True
            raise ClaimedElsewhere("the lease had lapsed and another start took the claim")
        self._write_lease()
        if holder_number(self._run) > self._number:
            self.lost = True
            raise ClaimedElsewhere("another start took the claim")

    def is_fresh(self) -> bool:
        """Whether nobody can have followed, without looking."""
        return not self.lost and now() - self._renewed_at < self._fresh_s

    def confirm(self) -> None:
        """Before a verdict is written: raises ClaimedElsewhere and OSError, as `renew` does. Looks only
        where it does not know."""
        if not self.is_fresh():
            self.renew()

    def release(self) -> None:
        """The run is ended: nobody needs to wait for the lease. The claim itself stays for good."""
        if not self.lost:
            with contextlib.suppress(OSError):
                (self._run / "lease").unlink()

    def _make(self, number: int) -> bool:
        """Become the holder with this number; False when another process did."""
        folder = claim_folder(self._run, number)
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            return False
        self._number = number
        write_whole(folder / "owner", json.dumps(self._owner.__dict__).encode())
        with contextlib.suppress(OSError):
            (self._run / "exit.json").rename(self._run / f"exit.before-{number}.json")
        self._write_lease()
        return True

    def _write_lease(self) -> None:
        """By renaming, which also makes a network filesystem look at the folder anew."""
        begun = now()
        self._beats += 1
        part = self._run / f".lease.{self._owner.nonce}.part"
        part.write_text(f"{self._owner.nonce} {self._beats}\n")
        part.replace(self._run / "lease")
        self._renewed_at = begun


class Watch:
    """Looks at a run's lease again and again, and knows for how long it has not changed."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._seen: object = None
        self._since = now()

    def quiet_s(self) -> float:
        """Seconds of this host's own time without a change, counted from the first look."""
        seen = (holder_number(self._run), *_lease(self._run))
        if seen != self._seen:
            self._seen, self._since = seen, now()
        return now() - self._since


def now() -> float:
    """Seconds that go on while a machine sleeps; only differences mean anything."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def claim_folder(run: Path, number: int) -> Path:
    return run / ("claim" if number == 1 else f"claim.{number}")


def holder_number(run: Path) -> int:
    """The highest number of a claim; 0 where nobody ever claimed the run. Raises OSError."""
    matches = (_CLAIM.fullmatch(entry.name) for entry in run.iterdir())
    return max((int(match.group(1) or 1) for match in matches if match), default=0)


def has_ended(run: Path) -> bool:
    """It left its report and gave its lease back."""
    return not os.path.lexists(run / "lease") and os.path.lexists(run / "exit.json")


def wait_until_quiet(run: Path, lease_s: float, stopped: Callable[[], bool]) -> None:
    """Ask whoever may still work on a neighbour's run to stop, and wait until it has or its lease lapsed.

    For a try that goes on where another one was given up: after a node is lost its processes may write for
    a while, and a scheduler may even start them late. Blocks; never raises for what is there.
    """
    try:
        if not stat.S_ISDIR(run.lstat().st_mode) or has_ended(run):
            return
        with contextlib.suppress(OSError):
            os.close(os.open(run / "stop", os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600))
        watch = Watch(run)
        while watch.quiet_s() <= lease_s and not stopped():
            number = holder_number(run)
            if number == 0 or has_ended(run) or _is_gone(run, read_owner(claim_folder(run, number))):
                return
            time.sleep(min(_POLL_S, lease_s / 4))
    except OSError:
        return


def _may_follow(run: Path, number: int, owner: Owner, watch: Watch, lease_s: float) -> bool:
    """Raises ClaimedElsewhere for a run that is done or belongs to another job."""
    if _outcome(run) == "ok":
        raise ClaimedElsewhere("this run has ended already")
    if number == 0:
        return True
    holder = read_owner(claim_folder(run, number))
    if _is_gone(run, holder):
        return True
    if holder is not None and holder.scheduler_id != owner.scheduler_id:
        if has_ended(run):
            raise ClaimedElsewhere(f"job {holder.scheduler_id} has ended this run; its pages go on elsewhere")
        raise ClaimedElsewhere(f"job {holder.scheduler_id} works on this run")
    return has_ended(run) or watch.quiet_s() > lease_s


def _is_gone(run: Path, holder: Owner | None) -> bool:
    if holder is None:
        return False
    try:
        heard_at = (run / "lease").stat().st_mtime
    except OSError:
        heard_at = None
    return is_dead(holder, heard_at)


def _outcome(run: Path) -> str | None:
    try:
        outcome = json.loads((run / "exit.json").read_bytes()).get("outcome")
    except (OSError, ValueError, AttributeError):
        return None
    return outcome if isinstance(outcome, str) else None


def _lease(run: Path) -> tuple[object, ...]:
    """What changes when it is renewed. The file is opened: only that shows what another host wrote."""
    try:
        with (run / "lease").open("rb") as stream:
            return (os.fstat(stream.fileno()).st_mtime_ns, stream.read(200))
    except OSError:
        return ()
