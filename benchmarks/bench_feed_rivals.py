"""The feed beside other clients, on the same PDFs and the same kind of server, one after the other.

The server has 128 slots and takes 1 to 6 seconds a page: fast enough that it is the client that is measured,
which on two cores and a server of 5 to 30 seconds it would not be. Each client is started with its own
defaults and counted for so many seconds from its first question on, so that neither its start nor its tail
matters.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from benchmarks.feeding.client import ENVIRONMENT, first_seconds, our_client, server_with
from benchmarks.feeding.papers import mixed
from benchmarks.feeding.rivals import Rival, installed
from benchmarks.result import Result

NAMES = ("feed.vs_chandra", "feed.vs_olmocr", "feed.cpu_vs_chandra", "feed.cpu_vs_olmocr")

SLOTS, SERVICE, TIME_SCALE = 128, "5-30", 0.2
SECONDS = float(os.environ.get("BOCR_BENCH_SECONDS", "45"))
_PAGES_A_SECOND = 40
"""More than two cores can draw, so that nobody runs out of pages."""


def run() -> list[Result]:
    """Pages a second, ours ÷ theirs, and CPU a page, theirs ÷ ours. Nothing where none is installed."""
    rivals = installed()
    if not rivals:
        print("  neither chandra-ocr nor olmocr is installed here (see benchmarks/feeding/rivals.py)")
        return []
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder), rivals))


async def _run(folder: Path, rivals: list[Rival]) -> list[Result]:
    papers = mixed(folder / "papers", round(SECONDS * _PAGES_A_SECOND))
    async with server_with(SLOTS, SERVICE, TIME_SCALE) as server:
        command = our_client(folder, "brivals", server.url, papers)
        ours, ours_cpu_s = await first_seconds(command, server, SECONDS, ENVIRONMENT)
    print(f"  bocr {ours:.2f} pages/s, {ours_cpu_s * 1e3:.0f} ms CPU a page")
    results = []
    for rival in rivals:
        async with server_with(SLOTS, SERVICE, TIME_SCALE, rival.markup) as server:
            command = rival.command(folder, server.url, papers)
            theirs, their_cpu_s = await first_seconds(command, server, SECONDS, rival.environment(server.url))
        print(f"  {rival.name} {theirs:.2f} pages/s, {their_cpu_s * 1e3:.0f} ms CPU a page")
        results.append(Result(f"feed.vs_{rival.name}", ours / theirs, "ratio", theirs, "higher"))
        cpu = their_cpu_s / ours_cpu_s
        results.append(Result(f"feed.cpu_vs_{rival.name}", cpu, "ratio", their_cpu_s, "higher"))
    return results
