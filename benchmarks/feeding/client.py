"""Clients as processes: ours and others, what they cost, and what their server saw of them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.feeding.engine import SPEC
from benchmarks.feeding.papers import Paper
from benchmarks.memory import tree_rss_bytes
from benchmarks.pages import ROOT
from bocr_worker.protocol.manifest import (
    DocumentOrder,
    EngineOrder,
    Limits,
    Manifest,
    PageOrder,
    dump_manifest,
)
from tests.worker.stand_in.child import StandInProcess, started

ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'worker'}"}
TOKENS = "250-1000"
"""Tokens of an answer: what a page of a gazette takes."""

PROCESSES = 2
_POLL_S = 0.5
_END_WITHIN_S = 15.0


@dataclass(frozen=True)
class Used:
    """What became of one client on one server. `stats` are the server's own; `cpu_s` is the client's and that
    of all its children, `peak_bytes` their largest resident memory together (0: not looked at)."""

    stats: dict[str, Any]
    cpu_s: float
    wall_s: float
    status: int
    peak_bytes: int = 0


async def whole_run(command: Sequence[str], server: StandInProcess, look_at_memory: bool = False) -> Used:
    """Until the client ends by itself."""
    begun = asyncio.get_running_loop().time()
    process = _start(command, ENVIRONMENT)
    waiting = asyncio.ensure_future(asyncio.to_thread(os.wait4, process, 0))
    peak = 0
    while look_at_memory and not waiting.done():
        peak = max(peak, await asyncio.to_thread(tree_rss_bytes, process))
        await asyncio.wait({waiting}, timeout=0.1)
    _, status, usage = await waiting
    wall_s = asyncio.get_running_loop().time() - begun
    cpu_s = usage.ru_utime + usage.ru_stime
    return Used(await server.stats(), cpu_s, wall_s, os.waitstatus_to_exitcode(status), peak)


async def first_seconds(
    command: Sequence[str], server: StandInProcess, seconds: float, environment: dict[str, str]
) -> tuple[float, float]:
    """Pages that were answered in so many seconds since the client's first question, a second; and the
    client's CPU for each. It is told to end afterwards, if it has not ended before."""
    process = _start(command, environment)
    waiting = asyncio.ensure_future(asyncio.to_thread(os.wait4, process, 0))
    clock = asyncio.get_running_loop()
    begun = clock.time()
    first_at = 0.0
    served, served_at = 0, begun
    try:
        while not waiting.done():
            stats = await server.stats()
            now = clock.time()
            if not first_at and stats["seen"]:
                first_at = now
            if stats["served"] > served:
                served, served_at = stats["served"], now
            if first_at and now - first_at >= seconds:
                break
            if not first_at and now - begun > 120:
                raise RuntimeError(f"no question within two minutes from {command[0]}")
            await asyncio.wait({waiting}, timeout=_POLL_S)
    finally:
        # In peace, since the CPU of children counts only once their parent has waited for them.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, number)
            await asyncio.wait({waiting}, timeout=_END_WITHIN_S)
        _, _, usage = await waiting
    return served / max(1e-9, served_at - first_at), (usage.ru_utime + usage.ru_stime) / max(1, served)


def _start(command: Sequence[str], environment: dict[str, str]) -> int:
    """In a group of its own; its words are kept aside."""
    log = os.open(os.environ.get("BOCR_BENCH_LOG", os.devnull), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = os.posix_spawn(
        command[0],
        list(command),
        environment,
        setpgroup=0,
        file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
    )
    os.close(log)
    return pid


def server_with(
    slots: int, service: str, time_scale: float, markup: str = "deepseek", tokens: str = TOKENS
) -> AbstractAsyncContextManager[StandInProcess]:
    """A stand-in in a process of its own."""
    return started(
        *("--slots", str(slots), "--service", service, "--time-scale", str(time_scale)),
        *("--markup", markup, "--tokens", tokens),
    )


def our_client(
    folder: Path, token: str, url: str, papers: Sequence[Paper], engine: str = SPEC.name
) -> list[str]:
    """The command of a worker that reads these papers, each page once."""
    manifest = Manifest(
        token=token,
        chain=1,
        stage=0,
        engine=EngineOrder(engine, "openai", options={"url": url}),
        documents=tuple(_order(paper, number) for number, paper in enumerate(papers)),
        limits=Limits(render_processes=PROCESSES),
    )
    run = folder / "runs" / token
    run.mkdir(parents=True)
    (run / "manifest.json").write_bytes(dump_manifest(manifest))
    return [sys.executable, "-m", "benchmarks.feeding.engine", str(run), "--job", "bench", "--cores", "2"]


def _order(paper: Paper, number: int) -> DocumentOrder:
    stat = paper.path.stat()
    return DocumentOrder(
        sha256=hashlib.sha256(f"{paper.path}{number}".encode()).hexdigest(),
        path=str(paper.path),
        kind="pdf",
        name=paper.path.name,
        size_bytes=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        pages=tuple(PageOrder(page + 1) for page in range(paper.pages)),
        language="fr",
    )
