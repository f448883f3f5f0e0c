"""How much memory a process takes, with all that it started. Linux only."""

from __future__ import annotations

import os
from pathlib import Path


def tree_rss_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants, from /proc."""
    total, queue = 0, [pid]
    while queue:
        current = queue.pop()
        try:
            total += int(Path(f"/proc/{current}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for task in Path(f"/proc/{current}/task").iterdir():
                queue += [int(child) for child in (task / "children").read_text().split()]
        except (OSError, IndexError):
            continue
    return total
