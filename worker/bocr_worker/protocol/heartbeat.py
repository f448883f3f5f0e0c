"""What a heartbeat says: how far the job is, how fast, and what it takes of its machine.

Every few seconds a worker writes one into its journal (`kind` "heartbeat"). All fields but `at` may be
absent: a machine without GPUs says nothing of them, an engine without tokens nothing of tokens. A field is
absent, never zero, where it is not known. Values are plain numbers beside each other, except `server`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

_MOST = 1e15


@dataclass(frozen=True)
class Heartbeat:
    """Rates are since the heartbeat before; counts since this start of the worker. Memory is in MB (10**6
    bytes), time in seconds."""

    at: float = 0.0
    """Seconds since the epoch, by the clock of the job's node."""
    done: int | None = None
    """Pages with a verdict, safe on the disk: `ok` and `failed` together. Of a split stage: pages it is
    done with."""
    ok: int | None = None
    failed: int | None = None
    total: int | None = None
    """Pages this stage takes: those of the manifest less those it skips."""
    pages_per_s: float | None = None
    rendered_waiting: int | None = None
    """Pages drawn and not yet with the engine."""
    in_flight: int | None = None
    """Pages between being taken and their verdict."""
    cpu_s: float | None = None
    """Processor time of the worker and of its children that have ended."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    """Tokens in and out of every recorded answer, accepted or not."""
    prompt_tokens_per_s: float | None = None
    completion_tokens_per_s: float | None = None

    job_processes: int | None = None
    """The worker and everything below it, at most ten seconds ago, like the two that follow."""
    job_memory_mb: float | None = None
    """Their resident memory; what they share is counted for each."""
    job_cores: float | None = None
    """Cores they kept busy since the look before."""

    gpus: int | None = None
    """GPUs that nvidia-smi shows for this job: those of CUDA_VISIBLE_DEVICES, else all of the node."""
    gpu_percent: float | None = None
    """Share of the time in which a GPU had something to do, 0 to 100, the mean over `gpus`."""
    gpu_memory_used_mb: float | None = None
    gpu_memory_total_mb: float | None = None
    """Summed over `gpus`."""

    first_page_s: float | None = None
    """From this start of the worker to the first page that its engine had read."""
    engine_idle_s: float | None = None
    """Since this start, without a page for the engine: loading it, waiting for pages, restarts, the tail."""
    idle_gpu_s: float | None = None
    """`engine_idle_s` times `gpus`: what the job held and did not use."""
    restart_lost_s: float | None = None
    """From the last word of a start of this job that was killed, or of the try before it, to the first page
    of this one; time in a queue is in it."""

    server: Mapping[str, float] = field(default_factory=dict)
    """Of an engine that is a model server, or several of them together: `running` and `waiting`, the requests
    they work on and those in line, by their own word; `servers` of the job and `servers_up`;
    `in_flight_limit`, how many pages they are given at a time; `start_s` to the first one up; `restarts`, and
    `lost_s` to them; `idle_s` without a page, the mean over the servers."""


def read_heartbeat(record: Mapping[str, Any]) -> Heartbeat:
    """Never raises: what is not the number it should be counts as absent. Nothing is decided by these."""
    known: dict[str, Any] = {}
    for each in fields(Heartbeat):
        value: Any = record.get(each.name)
        if each.name == "server":
            known["server"] = _numbers(value)
        elif _is_number(value):
            known[each.name] = int(value) if "int" in str(each.type) else float(value)
    return Heartbeat(**known)


def _numbers(value: object) -> dict[str, float]:
    if not isinstance(value, dict):
        return {}
    return {str(name)[:40]: float(item) for name, item in list(value.items())[:20] if _is_number(item)}


def _is_number(value: object) -> bool:
    """Of a size that can be shown; not NaN."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _MOST
