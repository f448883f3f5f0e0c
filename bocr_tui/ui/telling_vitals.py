"""What a running job says of itself: its pace, what it takes of its machine, its model server's queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bocr_tui.ui import wording
from bocr_tui.ui.widgets.facts import Heading, Labelled, Paragraph
from bocr_worker.protocol.heartbeat import Heartbeat, read_heartbeat

Fact = tuple[str, str, str]

IDLE_GPU_PERCENT = 20.0
"""Below this a GPU mostly waits for something: worth a person's look."""


def about_vitals(record: Mapping[str, Any], age_s: float | None) -> list[Paragraph]:
    """Of a job's last heartbeat; nothing where it has not said anything yet. `age_s`: how old that is."""
    facts = list(_facts(read_heartbeat(record)))
    if not facts:
        return []
    when = "" if age_s is None else f", {wording.duration(round(age_s))} ago"
    return [Heading(f"Last heartbeat{when}"), Labelled(facts)]


def _facts(beat: Heartbeat) -> Iterator[Fact]:
    if beat.pages_per_s is not None:
        yield ("Pace", f"{beat.pages_per_s * 60:.1f} pages a minute", "plain")
    if beat.completion_tokens_per_s is not None:
        prompts = f", {beat.prompt_tokens_per_s:,.0f} in" if beat.prompt_tokens_per_s is not None else ""
        yield ("Tokens/s", f"{beat.completion_tokens_per_s:,.0f} out{prompts}", "plain")
    if beat.in_flight is not None:
        drawn = f", {beat.rendered_waiting:,} drawn" if beat.rendered_waiting is not None else ""
        yield ("Pages", f"{beat.in_flight:,} in work{drawn}", "plain")
    yield from _server(beat)
    yield from _costs(beat)
    yield from _gpu(beat)
    if beat.job_memory_mb is not None:
        cores = f", {beat.job_cores:.1f} cores busy" if beat.job_cores is not None else ""
        yield ("Memory", f"{_gigabytes(beat.job_memory_mb)}{cores}", "plain")


def _server(beat: Heartbeat) -> Iterator[Fact]:
    counts = [f"{beat.server[name]:,.0f} {name}" for name in ("running", "waiting") if name in beat.server]
    if counts:
        yield ("Server", f"{', '.join(counts)}", "plain")


def _costs(beat: Heartbeat) -> Iterator[Fact]:
    """What starting, waiting and restarts took of the job's time."""
    if beat.first_page_s is not None:
        yield ("First page", f"after {wording.duration(round(beat.first_page_s))}", "plain")
    if beat.engine_idle_s is not None:
        gpus = "" if beat.idle_gpu_s is None else f", {wording.duration(round(beat.idle_gpu_s))} of GPU time"
        yield ("Idle", f"{wording.duration(round(beat.engine_idle_s))} without a page{gpus}", "plain")
    restarts, lost_s = beat.server.get("restarts", 0), beat.server.get("lost_s", 0.0)
    if restarts:
        said = f"{wording.things(round(restarts), 'restart')}, {wording.duration(round(lost_s))} lost"
        yield ("Server", said, "warning")
    if beat.restart_lost_s is not None:
        said = f"after it was killed; {wording.duration(round(beat.restart_lost_s))} lost"
        yield ("Started again", said, "warning")


def _gpu(beat: Heartbeat) -> Iterator[Fact]:
    if beat.gpus is None:
        return
    busy = "" if beat.gpu_percent is None else f", {beat.gpu_percent:.0f} % busy"
    idle = beat.gpu_percent is not None and beat.gpu_percent < IDLE_GPU_PERCENT
    yield ("GPU", f"{wording.things(beat.gpus, 'GPU')}{busy}", "warning" if idle else "plain")
    if beat.gpu_memory_used_mb is not None:
        total = beat.gpu_memory_total_mb
        of = "" if total is None else f" of {_gigabytes(total)}"
        yield ("GPU memory", f"{_gigabytes(beat.gpu_memory_used_mb)}{of}", "plain")


def _gigabytes(megabytes: float) -> str:
    return f"{megabytes / 1000:,.1f} GB"
