"""Which filesystem a folder lies on: write-ahead logging needs shared memory that network ones lack."""

from __future__ import annotations

import os
from pathlib import Path

NETWORK_TYPES = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ceph",
        "fuse.sshfs",
        "afs",
        "9p",
        "glusterfs",
    }
)


def network_filesystem(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """The type of the network filesystem that holds `folder`, or None. Without a mount table: None."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    here = os.path.realpath(folder)
    best, best_type = "", ""
    for line in lines:
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        point = parts[1].replace("\\040", " ")
        holds = here == point or here.startswith(point.rstrip("/") + "/")
        if holds and len(point) >= len(best):
            best, best_type = point, parts[2]
    return best_type if best_type in NETWORK_TYPES else None
