"""How a campaign is doing: its pace, the vitals of its jobs, failures, what is left. Both faces ask this.

Plain SQL through a Reader, so that it can be asked before anything heavy is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bocr_tui.catalog.list_query import JobFilter
from bocr_tui.catalog.list_rows import Counts, JobRow
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.lists_sites import SiteRow, sites_of
from bocr_tui.catalog.pace import (
    JobsLately,
    Pace,
    jobs_lately,
    last_page_at,
    pace_of,
    pages_since,
    planned_seconds,
)
from bocr_tui.catalog.words import JobState, PageState
from bocr_worker.protocol.heartbeat import Heartbeat, read_heartbeat

FRESH_S = 120.0
"""A heartbeat older than this says nothing of now: workers write one every few seconds, and a site over SSH
is read every five."""

LEAST_RECENT_S = 10.0
"""Shorter than this is no time to count in."""

RECENT_S = 900.0
"""The pace that an estimate goes by is the mean of a quarter of an hour: single batches of answers do not
move it."""


@dataclass(frozen=True)
class Vitals:
    """What the running jobs say of now, summed. None: none of them says it. `silent` jobs have not been heard
    for FRESH_S."""

    jobs: int = 0
    silent: int = 0
    pages_per_min: float | None = None
    completion_tokens_per_s: float | None = None
    prompt_tokens_per_s: float | None = None
    in_flight: int | None = None
    drawn: int | None = None
    gpus: int | None = None
    gpu_percent: float | None = None
    gpu_memory_used_mb: float | None = None
    gpu_memory_total_mb: float | None = None
    server_running: float | None = None
    server_waiting: float | None = None
    server_restarts: float | None = None
    memory_mb: float | None = None


@dataclass(frozen=True)
class Left:
    """What is left to do. `waiting` pages are queued or running; `eta_s` at `pages_per_min`, None while no
    page comes. `planned_batches` nobody has sent; they take `planned_s` seconds of jobs.

    `first_page_s` is how long the job that runs longest without a page has run, None where each that was
    heard has one; `still_s` how long ago the last page came or a running job began, None where neither did.
    """

    waiting: int = 0
    pages_per_min: float = 0.0
    eta_s: float | None = None
    planned_batches: int = 0
    planned_s: float = 0.0
    first_page_s: float | None = None
    still_s: float | None = None


@dataclass(frozen=True)
class Health:
    """All of it, as it was `at` (seconds since the epoch)."""

    at: float
    pace: Pace
    vitals: Vitals = Vitals()
    lately: JobsLately = field(default_factory=JobsLately)
    left: Left = Left()
    counts: Counts = field(default_factory=Counts)
    sites: tuple[SiteRow, ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)


def health_of(
    reader: Reader,
    now: float,
    window_s: float,
    buckets: int,
    configured: Iterable[str] = (),
    counts: Counts | None = None,
) -> Health:
    """`counts` where they are known already: counting a million pages takes longer than all the rest. Raises
    CatalogError."""
    with reader.snapshot():
        pace = pace_of(reader, now, window_s, buckets)
        running = running_jobs(reader)
        vitals = vitals_of(running, now)
        recent = _recent_pages_per_min(reader, running, now)
        moved_at = [last_page_at(reader), *(row.started_at for row in running)]
        still_s = _since(max((at for at in moved_at if at is not None), default=None), now)
        lately = jobs_lately(reader, now - window_s)
        batches, seconds = planned_seconds(reader)
        sites = tuple(sites_of(reader, configured))
        counts = counts or reader.counts()
    waiting = counts.pages.of(PageState.QUEUED, PageState.RUNNING)
    rate = recent or vitals.pages_per_min or 0.0
    eta_s = waiting * 60 / rate if rate and waiting else None
    left = Left(waiting, rate, eta_s, batches, seconds, _first_page_s(running, now), still_s)
    return Health(now, pace, vitals, lately, left, counts, sites, counts.failures)


def pace_words(health: Health, span: Callable[[float], str]) -> tuple[str, bool]:
    """When what is left will be done, or why nobody knows; and whether that is a reason to worry. `span` says
    seconds in words."""
    left = health.left
    if left.eta_s is not None:
        return f"about {span(left.eta_s)}", False
    if not health.vitals.jobs:
        return "no job runs", False
    if left.first_page_s is not None:
        return f"working for {span(left.first_page_s)}, first page not yet done", left.first_page_s > RECENT_S
    return f"nothing moves for {span(left.still_s or 0.0)}", True


def running_jobs(reader: Reader) -> list[JobRow]:
    """Raises CatalogError."""
    running = JobFilter(states=(str(JobState.RUNNING),))
    return reader.jobs.rows(reader.jobs.ids(running, "oldest"))


def _recent_pages_per_min(reader: Reader, running: Iterable[JobRow], now: float) -> float:
    """The mean over RECENT_S, or since the oldest running job began, where that is less: the time before it
    would tell of work that is over, or of none."""
    begun = min((row.started_at for row in running if row.started_at is not None), default=0.0)
    since = max(now - RECENT_S, min(begun, now - LEAST_RECENT_S))
    return pages_since(reader, since) * 60 / (now - since)


def _is_fresh(row: JobRow, now: float) -> bool:
    return row.heartbeat_at is not None and now - row.heartbeat_at <= FRESH_S


def _first_page_s(running: Iterable[JobRow], now: float) -> float | None:
    begun = [
        row.started_at
        for row in running
        if row.started_at is not None
        and not row.ok + row.failed
        and (_is_fresh(row, now) or now - row.started_at <= FRESH_S)
    ]
    return _since(min(begun, default=None), now)


def _since(at: float | None, now: float) -> float | None:
    return None if at is None else max(0.0, now - at)


def vitals_of(jobs: Iterable[JobRow], now: float) -> Vitals:
    """The sum over running jobs that were heard lately."""
    rows = list(jobs)
    fresh = [row for row in rows if _is_fresh(row, now)]
    beats = [read_heartbeat(row.heartbeat) for row in fresh]
    pages = _sum(beat.pages_per_s for beat in beats)
    return Vitals(
        jobs=len(rows),
        silent=len(rows) - len(fresh),
        pages_per_min=None if pages is None else pages * 60,
        completion_tokens_per_s=_sum(beat.completion_tokens_per_s for beat in beats),
        prompt_tokens_per_s=_sum(beat.prompt_tokens_per_s for beat in beats),
        in_flight=_whole(_sum(beat.in_flight for beat in beats)),
        drawn=_whole(_sum(beat.rendered_waiting for beat in beats)),
        gpus=_whole(_sum(beat.gpus for beat in beats)),
        gpu_percent=_gpu_percent(beats),
        gpu_memory_used_mb=_sum(beat.gpu_memory_used_mb for beat in beats),
        gpu_memory_total_mb=_sum(beat.gpu_memory_total_mb for beat in beats),
        server_running=_sum(beat.server.get("running") for beat in beats),
        server_waiting=_sum(beat.server.get("waiting") for beat in beats),
        server_restarts=_sum(beat.server.get("restarts") for beat in beats),
        memory_mb=_sum(beat.job_memory_mb for beat in beats),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _gpu_percent(beats: Iterable[Heartbeat]) -> float | None:
    """The mean over all GPUs."""
    known = [(beat.gpus or 1, beat.gpu_percent) for beat in beats if beat.gpu_percent is not None]
    gpus = sum(many for many, _ in known)
    return sum(many * percent for many, percent in known) / gpus if gpus else None


def health_record(health: Health) -> dict[str, Any]:
    """As JSON: what `bocr health --json` gives."""
    left, vitals = health.left, health.vitals
    return {
        "at": health.at,
        "pace": {
            "begin": health.pace.begin,
            "step_s": health.pace.step_s,
            "pages": list(health.pace.pages),
            "ok": list(health.pace.ok),
            "tokens": list(health.pace.tokens),
            "pages_per_min": round(left.pages_per_min, 3),
        },
        "jobs": {**vars(vitals), "ended": dict(health.lately.ended), "restarts": health.lately.restarts},
        "left": vars(left),
        "pages": dict(health.counts.pages.by_state),
        "failures": dict(health.failures),
    }
