"""One driver a catalog: a lease on the site, so that a copied workspace does not drive the same runs twice.

`drivers/<catalog>.json` names who drives; its time of change, by the file system's own clock, says when they
last said so. Hosts' clocks differ, the file system's does not.
"""

import json
import os
from typing import Any, Dict, Optional

from .private import make_folders
from .refusal import Refused
from .runs import read_file

LEASE_S = 180.0


def drive_catalog(root: str, catalog: str, who: Dict[str, Any]) -> None:
    """Take or renew the lease of `catalog` (letters and digits) for `who` {"place", "host"}: the same place
    always succeeds, another one once the lease has lapsed. Raises Refused naming the other."""
    if not catalog.isalnum():
        raise ValueError("a catalog's name is letters and digits")
    folder = os.path.join(root, "drivers")
    make_folders(folder)
    path = os.path.join(folder, catalog + ".json")
    part = "%s.%d.part" % (path, os.getpid())
    with open(part, "w") as stream:
        json.dump({"place": str(who["place"]), "host": str(who["host"])}, stream)
    holder = _holder(path)
    if holder is not None and holder.get("place") != str(who["place"]):
        age = os.stat(part).st_mtime - os.stat(path).st_mtime
        if age < LEASE_S:
            os.unlink(part)
            raise Refused(
                "A copy of this workspace on %s drives its jobs." % str(holder.get("host"))[:100],
                "Close bocr there, or wait %d seconds after it has ended." % int(LEASE_S),
            )
    os.rename(part, path)


def leave_catalog(root: str, catalog: str, place: str) -> None:
    """Give the lease back, if it is this place's."""
    if not catalog.isalnum():
        raise ValueError("a catalog's name is letters and digits")
    path = os.path.join(root, "drivers", catalog + ".json")
    holder = _holder(path)
    if holder is not None and holder.get("place") == place:
        os.unlink(path)


def _holder(path: str) -> Optional[Dict[str, Any]]:
    data = read_file(path, 0, 10000)
    try:
        holder = json.loads(data.decode()) if data is not None else None
    except ValueError:
        return None
    return holder if isinstance(holder, dict) else None
