"""One driver a catalog: a lease on the site, so that a copied workspace does not drive the same runs twice.

`drivers/<catalog>.json` names who drives; its time of change, by the file system's own clock, says when they
last said so. Hosts' clocks differ, the file system's does not.
"""

import contextlib
import json
import os
from typing import Any, Dict, Optional

from .private import make_folders
from .refusal import Refused
from .runs import read_file

LEASE_S = 180.0
MAX_BYTES = 10000


def drive_catalog(root: str, catalog: str, who: Dict[str, Any]) -> None:
    """Take or renew the lease of `catalog` (letters and digits) for `who` {"place", "host"}: the same place
    always succeeds, another one once the lease has lapsed. Raises Refused naming the other."""
    if not catalog.isalnum():
        raise ValueError("a catalog's name is letters and digits")
    folder = os.path.join(root, "drivers")
    make_folders(folder)
    path = os.path.join(folder, catalog + ".json")
    if _renew(path, str(who["place"])):
        return
    part = "%s.%d.part" % (path, os.getpid())
    try:
        with open(part, "w") as stream:
            json.dump({"place": str(who["place"]), "host": str(who["host"])}, stream)
        _check_free(path, str(who["place"]), os.stat(part).st_mtime)
        os.rename(part, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)


def _renew(path: str, place: str) -> bool:
    """Whether it was this place's, and is again for as long. It takes no room, where a quota leaves none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            if (_read(stream.read(MAX_BYTES)) or {}).get("place") != place:
                return False
            os.utime(stream.fileno())  # of what was read, should another have taken its place meanwhile
        return True
    except OSError:
        return False


def _check_free(path: str, place: str, now: float) -> None:
    """Raises Refused naming another holder whose lease has not lapsed."""
    holder = _read(read_file(path, 0, MAX_BYTES))
    if holder is None or holder.get("place") == place:
        return
    if now - os.stat(path).st_mtime < LEASE_S:
        raise Refused(
            "A copy of this workspace on %s drives its jobs." % str(holder.get("host"))[:100],
            "Close bocr there, or wait %d seconds after it has ended." % int(LEASE_S),
        )


def leave_catalog(root: str, catalog: str, place: str) -> None:
    """Give the lease back, if it is this place's."""
    if not catalog.isalnum():
        raise ValueError("a catalog's name is letters and digits")
    path = os.path.join(root, "drivers", catalog + ".json")
    holder = _read(read_file(path, 0, MAX_BYTES))
    if holder is not None and holder.get("place") == place:
        os.unlink(path)


def _read(data: Optional[bytes]) -> Optional[Dict[str, Any]]:
    try:
        holder = json.loads(data.decode()) if data is not None else None
    except ValueError:
        return None
    return holder if isinstance(holder, dict) else None
