"""What the Health screen says in words: the jobs' vitals, what is left, how the sites stand."""

from __future__ import annotations

from collections.abc import Iterator

from bocr_tui.report.health import Health, Vitals, pace_words
from bocr_tui.ui import wording
from bocr_tui.ui.telling_sites import job_counts, link_words, why
from bocr_tui.ui.telling_vitals import IDLE_GPU_PERCENT
from bocr_tui.ui.widgets.facts import Heading, Labelled, Paragraph
from bocr_tui.ui.widgets.tones import Part

Fact = tuple[str, str, str]

LABEL_CELLS = 10

WINDOWS = ((3600.0, "1 h"), (6 * 3600.0, "6 h"), (24 * 3600.0, "24 h"), (7 * 86400.0, "7 d"))
"""How far one looks back: seconds and words."""


def about_health(health: Health) -> list[Paragraph]:
    """Everything but the lists."""
    paragraphs: list[Paragraph] = [Labelled([*_left(health), *_running(health)], LABEL_CELLS)]
    standing = list(_sites(health))
    if standing:
        paragraphs += [Heading("Sites"), Labelled(standing, LABEL_CELLS)]
    return paragraphs


def _left(health: Health) -> Iterator[Fact]:
    left = health.left
    if left.waiting:
        pages = wording.things(left.waiting, "page")
        words, worry = pace_words(health, wording.duration)
        yield (
            "Left",
            f"{words}, {pages}" if left.eta_s else f"{pages}; {words}",
            "warning" if worry else "plain",
        )
    else:
        yield ("Left", "nothing is queued", "muted")
    if left.planned_batches:
        batches = wording.things(left.planned_batches, "batch", "batches")
        yield ("Planned", f"{batches} not sent, {wording.duration(left.planned_s)} of jobs", "plain")


def _running(health: Health) -> Iterator[Fact]:
    vitals, lately = health.vitals, health.lately
    silent = f", {vitals.silent:,} silent" if vitals.silent else ""
    yield ("Jobs", f"{vitals.jobs:,} running{silent}", "warning" if silent else "plain")
    ended = ", ".join(f"{count:,} {wording.plain(cause)}" for cause, count in lately.ended.items())
    if ended:
        troubled = any(cause != "ok" for cause in lately.ended)
        yield ("Ended", ended, "warning" if troubled else "plain")
    again = [f"{lately.restarts:,} jobs" if lately.restarts != 1 else "1 job"] if lately.restarts else []
    again += [wording.things(int(vitals.server_restarts), "server")] if vitals.server_restarts else []
    if again:
        yield ("Restarts", " and ".join(again), "warning")
    yield from _vitals(vitals)


def _vitals(vitals: Vitals) -> Iterator[Fact]:
    if vitals.in_flight is not None:
        drawn = f", {vitals.drawn:,} drawn" if vitals.drawn is not None else ""
        yield ("In flight", f"{wording.things(vitals.in_flight, 'page')}{drawn}", "plain")
    if vitals.server_running is not None or vitals.server_waiting is not None:
        running, waiting = vitals.server_running or 0.0, vitals.server_waiting or 0.0
        yield ("Server", f"{running:,.0f} running, {waiting:,.0f} waiting", "plain")
    if vitals.gpus is not None:
        busy = "" if vitals.gpu_percent is None else f", {vitals.gpu_percent:.0f} % busy"
        idle = vitals.gpu_percent is not None and vitals.gpu_percent < IDLE_GPU_PERCENT
        yield ("GPU", f"{wording.things(vitals.gpus, 'GPU')}{busy}", "warning" if idle else "plain")
    if vitals.gpu_memory_used_mb is not None:
        total = vitals.gpu_memory_total_mb
        of = "" if total is None else f" of {total / 1000:,.0f} GB"
        yield ("GPU memory", f"{vitals.gpu_memory_used_mb / 1000:,.0f} GB{of}", "plain")


def _sites(health: Health) -> Iterator[Fact]:
    """Those that do something or are in trouble; all where there are few."""
    rows = [row for row in health.sites if row.is_troubled or row.living_jobs or row.uploading]
    for row in rows or health.sites[:4]:
        words, tone = link_words(row, health.at)
        jobs = job_counts(row)
        said = ", ".join(filter(None, (words, jobs)))
        reason = why(row) if row.is_troubled else ""
        yield (row.name, f"{said}: {reason}" if reason else said, tone)


def pages_said(health: Health, window: str) -> tuple[Part, ...]:
    """Beside the plot of pages: now, and the most there was."""
    pace = health.pace
    now = health.vitals.pages_per_min
    verdicts = wording.things(sum(pace.pages), "verdict")  # a page that two stages read has two
    parts: list[Part] = []
    if now is not None:
        parts.append((f"now {now:,.1f}  ", "strong"))
    parts.append((f"lately {health.left.pages_per_min:,.1f}  ", "plain"))
    most = max((*pace.pages_per_min, now or 0.0))  # now is not a mean, and may be more than any bar
    return (*parts, (f"most {most:,.1f}  ", "muted"), (f"{verdicts} in {window}", "muted"))


def tokens_said(health: Health, window: str) -> tuple[Part, ...]:
    """Beside the plot of tokens."""
    now = health.vitals.completion_tokens_per_s
    most = max((*health.pace.tokens_per_s, now or 0.0))
    first: tuple[Part, ...] = () if now is None else ((f"now {now:,.0f}  ", "strong"),)
    total = wording.count(sum(health.pace.tokens))
    return (*first, (f"most {most:,.0f}  ", "muted"), (f"{total} in {window}", "muted"))
