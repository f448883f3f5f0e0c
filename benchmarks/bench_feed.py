"""The feed against a model server that batches continuously: is it kept full, and what does a page cost?

The server is the tests' stand-in, in a process of its own: it takes 5 to 30 seconds for a page, as Chandra
does on a GPU, and reads nothing. Our client is the whole worker, from its start to exit.json.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.feeding.client import ENVIRONMENT, PROCESSES, Used, our_client, server_with, whole_run
from benchmarks.feeding.papers import Paper, mixed
from benchmarks.result import Result

NAMES = ("feed.capacity_64", "feed.capacity_128", "feed.cpu_ratio", "feed.cpu_s_per_page")

SERVICE = "5-30"
"""Seconds a page, each as likely as the other; the same for the same page."""

TIME_SCALE = float(os.environ.get("BOCR_BENCH_TIME_SCALE", "1"))
"""Below 1, service is that much faster: to try the benchmark itself."""

ROUNDS_OF_SLOTS = 6.25
"""Pages for each slot: two minutes, of which the first seconds, when slots fill up, are a small part."""

_BARE_ROUNDS = 2
_LEAST_SHARE = 0.95
_AIM_CPU_S = 0.15


def run() -> list[Result]:
    """The share of the slots' capacity that was held between the first question and the moment when the last
    one got its slot; and CPU a page against a bare pool that draws and encodes the same pages."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(Path(folder)))


async def _run(folder: Path) -> list[Result]:
    results = []
    cpu: list[tuple[float, float]] = []
    for slots in (64, 128):
        papers = mixed(folder / f"papers{slots}", round(slots * ROUNDS_OF_SLOTS))
        used = await _fed(folder, slots, papers)
        results.append(Result(f"feed.capacity_{slots}", used.stats["share"], "share", _LEAST_SHARE, "higher"))
        pages = sum(paper.pages for paper in papers)
        bare_s = statistics.median(_bare_cpu_s(folder, papers) for _ in range(_BARE_ROUNDS)) / pages
        cpu.append((used.cpu_s / pages, bare_s))
        print(f"  CPU a page: ours {used.cpu_s / pages * 1e3:.1f} ms, bare {bare_s * 1e3:.1f} ms")
    ours_s, bare_s = (statistics.mean(each) for each in zip(*cpu, strict=True))
    results.append(Result("feed.cpu_ratio", ours_s / bare_s, "ratio", bare_s, "lower"))
    results.append(Result("feed.cpu_s_per_page", ours_s, "s", _AIM_CPU_S, "lower"))
    return results


async def _fed(folder: Path, slots: int, papers: Sequence[Paper]) -> Used:
    async with server_with(slots, SERVICE, TIME_SCALE) as server:
        used = await whole_run(our_client(folder, f"bfeed{slots}", server.url, papers), server)
    pages = sum(paper.pages for paper in papers)
    if used.status or used.stats["served"] != pages:
        raise RuntimeError(
            f"the worker ended with {used.status} after {used.stats['served']} of {pages} pages"
        )
    print(
        f"  {slots} slots: {pages} pages of {len(papers)} documents in {used.wall_s:.0f} s, "
        f"{used.stats['share']:.3f} of the capacity held over {used.stats['fed_s']:.0f} s, "
        f"at most {used.stats['peak_waiting']} in line; server's CPU {used.stats['cpu_s']:.1f} s"
    )
    return used


def _bare_cpu_s(folder: Path, papers: Sequence[Paper]) -> float:
    tasks = folder / "bare.json"
    tasks.write_text(json.dumps([[str(paper.path), paper.pages, paper.scan] for paper in papers]))
    command = [sys.executable, "-m", "benchmarks.feeding.bare", str(tasks), str(PROCESSES)]
    _, status, usage = os.wait4(os.posix_spawn(command[0], command, ENVIRONMENT), 0)
    assert status == 0
    return usage.ru_utime + usage.ru_stime
