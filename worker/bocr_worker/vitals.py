"""What a job takes of its machine, for the heartbeats: GPUs by nvidia-smi, the job's processes by /proc.

Looked at every ten seconds, off the event loop. What is not there, or does not answer, is left out: no page
waits for these figures and nothing is decided by them. The fields are those of protocol/heartbeat.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from pathlib import Path

_EVERY_S = 10.0
_ANSWER_WITHIN_S = 5.0
_KILLED_WITHIN_S = 1.0
_MOST_SILENCES = 3
"""A driver that hangs is not asked for ever: each question leaves a process behind that cannot be killed."""

_QUERY = (
    "--query-gpu=index,uuid,utilization.gpu,memory.used,memory.total",
    "--format=csv,noheader,nounits",
)
_MB_PER_MIB = 1.048576
_PROC = Path("/proc")

Facts = dict[str, float | int]


class Vitals:
    """`facts` is what was seen last; `watch` looks until it is cancelled."""

    def __init__(self) -> None:
        self._smi = shutil.which("nvidia-smi")
        self._silences = 0
        self._gpu: Facts = {}
        self._tree: Facts = {}
        self._looked_at = 0.0
        self._cpu_s: dict[int, float] = {}

    @property
    def facts(self) -> Facts:
        return {**self._tree, **self._gpu}

    async def watch(self) -> None:
        while True:
            self._tree = await asyncio.to_thread(self._look_at_tree)
            self._gpu = await self._look_at_gpus()
            await asyncio.sleep(_EVERY_S)

    async def _look_at_gpus(self) -> Facts:
        if self._smi is None or self._silences >= _MOST_SILENCES:
            return {}
        answer = await _ask(self._smi)
        self._silences = self._silences + 1 if answer is None else 0
        return gpu_facts(answer or "", os.environ.get("CUDA_VISIBLE_DEVICES"))

    def _look_at_tree(self) -> Facts:
        tree = processes_below(os.getpid())
        if not tree:
            return {}
        facts: Facts = {
            "job_processes": len(tree),
            "job_memory_mb": round(sum(process.memory_bytes for process in tree) / 1e6, 1),
        }
        now, before = time.monotonic(), self._cpu_s
        self._cpu_s = {process.pid: process.cpu_s for process in tree}
        if before:
            busy_s = sum(max(0.0, cpu_s - before.get(pid, 0.0)) for pid, cpu_s in self._cpu_s.items())
            facts["job_cores"] = round(busy_s / max(now - self._looked_at, 1e-3), 2)
        self._looked_at = now
        return facts


async def _ask(smi: str) -> str | None:
    """What nvidia-smi prints; None where it does not answer or fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            smi,
            *_QUERY,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), _ANSWER_WITHIN_S)
    except asyncio.TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            # One that hangs in its driver cannot even be killed: it is left to itself.
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(process.communicate(), _KILLED_WITHIN_S)
    return printed.decode("utf-8", "replace") if process.returncode == 0 else None


def gpu_facts(printed: str, visible: str | None) -> Facts:
    """From nvidia-smi's lines; `visible` is CUDA_VISIBLE_DEVICES. A figure that one GPU does not give (a
    part of one shows no use) is left out for all."""
    rows = [[cell.strip() for cell in line.split(",")] for line in printed.splitlines()]
    rows = [row for row in rows if len(row) == 5 and row[0].isdigit()]
    rows = _chosen(rows, visible)
    if not rows:
        return {}
    facts: Facts = {"gpus": len(rows)}
    use, used, whole = ([_number(row[column]) for row in rows] for column in (2, 3, 4))
    for name, values, factor in (
        ("gpu_percent", use, 1 / len(rows)),
        ("gpu_memory_used_mb", used, _MB_PER_MIB),
        ("gpu_memory_total_mb", whole, _MB_PER_MIB),
    ):
        known = [value for value in values if value is not None]
        if len(known) == len(rows):
            facts[name] = round(sum(known) * factor, 1)
    return facts


def _chosen(rows: list[list[str]], visible: str | None) -> list[list[str]]:
    """The GPUs that `visible` names by number or by the start of their name; all where it names none of
    them, as with parts of a GPU."""
    if visible is None:
        return rows
    wanted = [name.strip() for name in visible.split(",") if name.strip()]
    chosen = [
        row
        for row in rows
        if any(row[0] == name or (name.startswith("GPU-") and row[1].startswith(name)) for name in wanted)
    ]
    return chosen or ([] if not wanted else rows)


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


class Process:
    """One process of the job, as /proc shows it."""

    __slots__ = ("cpu_s", "memory_bytes", "parent", "pid")

    def __init__(self, pid: int, parent: int, cpu_s: float, memory_bytes: int) -> None:
        self.pid = pid
        self.parent = parent
        self.cpu_s = cpu_s
        self.memory_bytes = memory_bytes


def processes_below(pid: int, proc: Path = _PROC) -> list[Process]:
    """This process and all that descend from it; empty without a /proc."""
    seen = {process.pid: process for process in _all_processes(proc)}
    children: dict[int, list[Process]] = {}
    for process in seen.values():
        children.setdefault(process.parent, []).append(process)
    tree, waiting = [], [seen[pid]] if pid in seen else []
    while waiting:
        process = waiting.pop()
        tree.append(process)
        waiting.extend(child for child in children.get(process.pid, ()) if child.pid != pid)
    return tree


def _all_processes(proc: Path) -> list[Process]:
    ticks, page_bytes = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(proc):
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = Path(entry.path, "stat").read_text(errors="replace").rpartition(")")[2].split()
                cpu_s = (int(fields[11]) + int(fields[12])) / ticks
                found.append(Process(int(entry.name), int(fields[1]), cpu_s, int(fields[21]) * page_bytes))
    return found
