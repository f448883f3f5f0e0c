"""One driver a catalog: a lease on the site, so that a copied workspace does not drive the same runs twice.

`drivers/<catalog>/` holds one empty file, `<generation>-<place>-<host>`: its name says who drives, its time
of change, by the file system's own clock, when they last said so. Hosts' clocks differ, the file system's
does not. That file is only ever renamed to the next generation, by its holder to renew it and by somebody
else once it has lapsed. Of all who saw one name, one alone can rename it, and no name comes back: who is
late, or slept, finds that the name is gone. It takes no room, where a quota leaves none.
"""

import binascii
import contextlib
import hashlib
import os
import re
import time
from typing import Any, Dict, NamedTuple, Optional

from .private import make_folders
from .refusal import Refused
from .run_files import age_s, remove_file

LEASE_S = 180.0
TRIES = 50
AGAIN_S = 0.01
"""A listing may miss a file that is renamed meanwhile, and another may be faster."""

_NAME = re.compile(r"([0-9]{1,18})-([0-9a-f]{16})-([A-Za-z0-9._-]{0,60})")


class _Lease(NamedTuple):
    generation: int
    place: str
    host: str

    @property
    def name(self) -> str:
        return "%d-%s-%s" % self


def drive_catalog(root: str, catalog: str, who: Dict[str, Any]) -> int:
    """Take or renew the lease of `catalog` (letters and digits) for `who` {"place", "host"}: the same place
    always succeeds, another one once the lease has lapsed, and of several at once only one. Returns its
    generation, which only grows. Raises Refused naming the other."""
    folder = _folder(root, catalog)
    make_folders(os.path.dirname(folder))
    place, host = _digest(str(who["place"])), re.sub(r"[^A-Za-z0-9.-]", "_", str(who["host"]))[:60]
    for _ in range(TRIES):
        held = _held(folder)
        if held is None:
            if not _begin(folder, _Lease(1, place, host)):
                time.sleep(AGAIN_S)
            continue
        follower = _Lease(held.generation + 1, place, host)
        if held.place != place:
            if age_s(os.path.join(folder, held.name)) < LEASE_S:
                raise Refused(
                    "A copy of this workspace on %s drives its jobs." % held.host,
                    "Close bocr there, or wait %d seconds after it has ended." % int(LEASE_S),
                )
            # Others may still take it for lapsed: it is held only once it was renewed under the new name.
            _rename(folder, held, follower)
        elif _touch(folder, held) and _rename(folder, held, follower):
            return follower.generation
    raise Refused(
        "Who drives the jobs of this workspace cannot be made out on the site.",
        "It is asked again; should it stay so, delete %s there while no bocr runs." % folder,
    )


def leave_catalog(root: str, catalog: str, place: str) -> None:
    """Give the lease back, if it is this place's."""
    folder = _folder(root, catalog)
    held = _held(folder)
    if held is not None and held.place == _digest(place):
        _touch(folder, held, at=0)


def _folder(root: str, catalog: str) -> str:
    if not catalog.isalnum():
        raise ValueError("a catalog's name is letters and digits")
    return os.path.join(root, "drivers", catalog)


def _digest(place: str) -> str:
    return hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _held(folder: str) -> Optional[_Lease]:
    """The latest generation; None where there is none, or where it just got another name."""
    try:
        found = [_NAME.fullmatch(name) for name in os.listdir(folder)]
    except FileNotFoundError:
        return None
    leases = [_Lease(int(one.group(1)), one.group(2), one.group(3)) for one in found if one is not None]
    return max(leases) if leases else None


def _begin(folder: str, first: _Lease) -> bool:
    """Put the folder in place with the first lease inside, which has lapsed. A folder with something in it is
    never replaced, and from then on there is always something in it."""
    part = os.path.join(
        os.path.dirname(folder),
        ".%s.%s" % (os.path.basename(folder), binascii.hexlify(os.urandom(6)).decode()),
    )
    os.mkdir(part, 0o700)
    inside = os.path.join(part, first.name)
    try:
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        os.utime(inside, (0, 0))
        os.rename(part, folder)
    except FileExistsError:
        return False
    except OSError:
        if os.path.isdir(folder):  # "not empty" has several names
            return False
        raise
    finally:
        remove_file(inside)
        with contextlib.suppress(OSError):
            os.rmdir(part)
    return True


def _touch(folder: str, lease: _Lease, at: Optional[int] = None) -> bool:
    """Say now that it is held, or that it was at `at`. False when it has another name by now."""
    try:
        os.utime(os.path.join(folder, lease.name), None if at is None else (at, at), follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _rename(folder: str, held: _Lease, follower: _Lease) -> bool:
    """False when somebody else was faster. A server's answer may get lost after it did what was asked: then
    the next look finds it done."""
    try:
        os.rename(os.path.join(folder, held.name), os.path.join(folder, follower.name))
    except FileNotFoundError:
        return False
    return True
