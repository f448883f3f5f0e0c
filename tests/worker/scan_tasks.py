"""A probe that some files are the end of, for children of the scan's tests."""

from __future__ import annotations

import os
import time
from pathlib import Path

from bocr_worker.probe.report import ProbeFailed, ProbeOrder, ProbeReport
from bocr_worker.probe.task import probe_documents


def deadly(orders: tuple[ProbeOrder, ...]) -> tuple[ProbeReport | ProbeFailed, ...]:
    for order in orders:
        name = Path(order.path).name
        if name.startswith("kills"):
            os._exit(9)
        if name.startswith("hangs"):
            time.sleep(3600)
        if name.startswith("eats"):
            raise MemoryError
    return probe_documents(orders)
