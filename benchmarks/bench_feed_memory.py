"""The feed's memory against the number of pages, at a server that answers at once."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks.feeding.client import our_client, server_with, whole_run
from benchmarks.feeding.engine import SMALL
from benchmarks.feeding.papers import Paper
from benchmarks.pages import dense_document
from benchmarks.result import Result

NAMES = ("feed.memory_growth",)
SLOTS = 64


def run() -> list[Result]:
    """Peak resident memory of the worker and its renderers at 10,000 small pages ÷ at 100."""
    with tempfile.TemporaryDirectory() as folder:
        return [asyncio.run(_run(Path(folder)))]


async def _run(folder: Path) -> Result:
    paper = Paper(dense_document(folder / "growth.pdf", 100), 100, scan=False)
    peaks = {}
    for repeats in (1, 100):
        async with server_with(SLOTS, "0.02", 1.0, tokens="60") as server:
            command = our_client(
                folder, f"bmemory{repeats}", server.url, [paper] * repeats, engine=SMALL.name
            )
            used = await whole_run(command, server, look_at_memory=True)
        assert used.status == 0 and used.stats["served"] == 100 * repeats
        peaks[repeats] = used.peak_bytes
        print(f"  {100 * repeats} pages: peak {used.peak_bytes / 1e6:.0f} MB, {used.wall_s:.0f} s")
    return Result("feed.memory_growth", peaks[100] / peaks[1], "ratio", peaks[1] / 1e6, "lower")
