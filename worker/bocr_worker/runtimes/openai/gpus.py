"""Which GPUs the job has, and how much memory each."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

_QUERY = ("--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits")
_ANSWER_WITHIN_S = 20.0
_SCHEDULERS = ("PBS_JOBID", "SLURM_JOB_ID", "LSB_JOBID", "JOB_ID")


@dataclass(frozen=True)
class Gpu:
    """`name` as CUDA_VISIBLE_DEVICES has it, None for one that the server finds by itself; `memory_gib` None
    where nobody says."""

    name: str | None
    memory_gib: float | None


async def gpus_of_job(environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """Empty where there are none."""
    return choose_gpus(await _ask_driver(), environment)


def choose_gpus(printed: str, environment: Mapping[str, str]) -> tuple[Gpu, ...]:
    """From nvidia-smi's lines and the job's variables.

    A scheduler that does not say which GPUs are the job's (no CUDA_VISIBLE_DEVICES) may have given the
    others to somebody else: then one server takes what it finds, and its GPU is known by the least memory
    that any of them has.
    """
    rows = [[cell.strip() for cell in line.split(",")] for line in printed.splitlines()]
    rows = [row for row in rows if len(row) == 3 and row[0].isdigit()]
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        found = tuple(Gpu(row[0], _gib(row[2])) for row in rows)
        if len(found) > 1 and any(name in environment for name in _SCHEDULERS):
            known = [gpu.memory_gib for gpu in found if gpu.memory_gib is not None]
            return (Gpu(None, min(known, default=None)),)
        return found
    names = [name.strip() for name in visible.split(",") if name.strip()]
    return tuple(Gpu(name, _memory_of(name, rows)) for name in names if name != "-1")


def _memory_of(name: str, rows: list[list[str]]) -> float | None:
    for row in rows:
        if row[0] == name or (name.startswith("GPU-") and row[1].startswith(name)):
            return _gib(row[2])
    return None  # a part of a GPU: its share of the memory is not in this list


def _gib(cell: str) -> float | None:
    try:
        mib = float(cell)
    except ValueError:
        return None
    return mib / 1024 if 0 < mib < 1e8 else None


async def _ask_driver() -> str:
    """Empty where there is no nvidia-smi, or where it does not answer."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return ""
    try:
        process = await asyncio.create_subprocess_exec(
            smi,
            *_QUERY,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return ""
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), _ANSWER_WITHIN_S)
    except asyncio.TimeoutError:
        return ""
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    return printed.decode("utf-8", "replace")
