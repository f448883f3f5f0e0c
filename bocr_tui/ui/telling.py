"""What the preview panes say about one thing."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bocr_tui.catalog.list_rows import (
    BatchRow,
    DocumentRow,
    EventRow,
    JobRow,
    SourceRow,
    Tally,
)
from bocr_tui.catalog.words import JobState, PageState
from bocr_tui.ui import wording
from bocr_tui.ui.sheets import batch_names, job_seconds
from bocr_tui.ui.telling_vitals import about_vitals
from bocr_tui.ui.widgets.columns import bar
from bocr_tui.ui.widgets.facts import Heading, Labelled, Paragraph, Words

if TYPE_CHECKING:
    from bocr_tui.catalog.happenings import Event

Fact = tuple[str, str, str]

SHARES = (
    (PageState.OK, "ok"),
    (PageState.FAILED, "failed"),
    (PageState.GAVE_UP, "gave-up"),
    (PageState.RUNNING, "busy"),
    (PageState.QUEUED, "waiting"),
    (PageState.PLANNED, "muted"),
    (PageState.NEW, "muted"),
    (PageState.IGNORED, "muted"),
)


def about_tally(tally: Tally) -> list[Paragraph]:
    """A bar, and each state that occurs with its count."""
    shares = [
        (tally.of(state), tone) for state, tone in SHARES if tone != "muted" and state != PageState.QUEUED
    ]
    facts = [(wording.page_state(state)[0], wording.count(tally.of(state)), tone) for state, tone in SHARES]
    return [Words(bar(28, shares, tally.total)), Labelled(fact for fact in facts if fact[1] != "0")]


def language_of(document: DocumentRow) -> str:
    if not document.language:
        return wording.UNKNOWN
    return f"{document.language} ({document.language_source or 'unknown'})"


def about_sources(sources: Sequence[SourceRow]) -> list[Paragraph]:
    if not sources:
        return []
    lines = [
        (os.fsdecode(source.path) + (" (missing)" if source.state == "missing" else "")) for source in sources
    ]
    more = f"\nand {len(lines) - 4:,} more" if len(lines) > 4 else ""
    return [Heading("File"), Words((("\n".join(lines[:4]) + more, "muted"),))]


def about_document(row: DocumentRow, sources: Sequence[SourceRow]) -> list[Paragraph]:
    state, tone = wording.document_state(row.state)
    facts: list[Fact] = [("State", state, tone)]
    if row.reason:
        facts.append(("Reason", row.reason, "plain"))
    facts += [
        ("Pages", wording.count(row.page_count), "plain"),
        ("Language", language_of(row), "plain"),
        ("Size", wording.size(row.size_bytes), "plain"),
        ("Added", wording.clock(row.added_at), "muted"),
        ("SHA-256", row.sha256[:16], "muted"),
    ]
    paragraphs: list[Paragraph] = [Words(((row.name, "strong"),)), Labelled(facts)]
    if row.tally.total:
        paragraphs += [Heading("Pages"), *about_tally(row.tally)]
    return [*paragraphs, *about_sources(sources)]


def about_batch(row: BatchRow, failures: Mapping[str, int], jobs: Sequence[JobRow]) -> list[Paragraph]:
    state, tone = wording.batch_state(row.state)
    facts: list[Fact] = [
        ("State", state, tone),
        (
            "Size",
            f"{wording.things(row.pages, 'page')} of {wording.things(row.documents, 'document')}",
            "plain",
        ),
        ("Estimate", wording.duration(row.estimated_s), "plain"),
    ]
    paragraphs: list[Paragraph] = [Words(((row.name, "strong"),)), Labelled(facts), Heading("Pages")]
    paragraphs += about_tally(row.tally)
    if failures:
        paragraphs += [Heading("Failed, by class"), about_failures(failures)]
    if jobs:
        paragraphs += [Heading("Jobs"), Labelled(_job_line(job) for job in jobs)]
    return paragraphs


def about_failures(failures: Mapping[str, int]) -> Paragraph:
    return Labelled(
        (wording.plain(name), wording.count(number), "failed") for name, number in failures.items()
    )


def _job_line(job: JobRow) -> Fact:
    state, tone = wording.job_state(job.state, job.cause)
    return (
        f"{job.stage + 1} {job.engine}",
        f"{state}  {wording.count(job.ok)}/{wording.count(job.pages)}",
        tone,
    )


def why_job(row: JobRow) -> tuple[str, str]:
    """Why a job waits or how it ended, as its scheduler, its report or we said; and its tone."""
    _, tone = wording.job_state(row.state, row.cause)
    if row.reason:
        return row.reason, tone if tone in ("failed", "warning") else "muted"
    if row.state == JobState.AMBIGUOUS:
        return "It is not known whether the site took it; s settles it.", "warning"
    if row.state == JobState.HELD:
        return "It waits until it is released: H.", "muted"
    return "", tone


def about_job(row: JobRow) -> list[Paragraph]:
    state, tone = wording.job_state(row.state, row.cause)
    facts: list[Fact] = [("State", state, tone)]
    reason, reason_tone = why_job(row)
    if reason:
        ended = row.ended_at is not None
        facts.append(("Why it ended" if ended else "Why it waits", reason, reason_tone))
    facts += [
        ("Works on", batch_names(row), "plain"),
        ("Stage", f"{row.stage + 1}, try {row.try_number}", "plain"),
        ("Engine", row.engine, "plain"),
        ("Site", f"{row.site}{f' as {row.scheduler_id}' if row.scheduler_id else ''}", "plain"),
        ("Token", row.token, "muted"),
    ]
    done = [(row.ok, "ok"), (row.failed, "failed")]
    pages: list[Paragraph] = [
        Heading("Pages"),
        Words(bar(28, done, row.pages)),
        Labelled(
            (
                ("✓ ok", wording.count(row.ok), "ok" if row.ok else "muted"),
                ("✗ failed", wording.count(row.failed), "failed" if row.failed else "muted"),
                ("of", wording.count(row.pages), "plain"),
            )
        ),
    ]
    return [Words(((row.token, "strong"),)), Labelled(facts), *pages, *_vitals(row), *_job_times(row)]


def _vitals(row: JobRow) -> list[Paragraph]:
    """Only while it runs: what an ended job said last is no news."""
    if row.ended_at is not None:
        return []
    age_s = None if row.heartbeat_at is None else max(0.0, time.time() - row.heartbeat_at)
    return about_vitals(row.heartbeat, age_s)


def _job_times(row: JobRow) -> list[Paragraph]:
    times: list[Fact] = [
        ("Submitted", wording.clock(row.submitted_at), "plain"),
        ("Started", wording.clock(row.started_at), "plain"),
        ("Ended", wording.clock(row.ended_at), "plain"),
        ("Ran for", wording.duration(job_seconds(row)), "plain"),
    ]
    if row.ended_at is None and row.heartbeat_at is not None:
        times.append(("Last heard", wording.clock(row.heartbeat_at), "plain"))
    return [Heading("Time"), Labelled(times)]


def about_events(events: Sequence[EventRow | Event]) -> list[Paragraph]:
    """The timeline, newest first."""
    if not events:
        return [Words((("Nothing has happened yet.", "muted"),))]
    times = [wording.clock(event.at) for event in events]
    facts = zip(times, (event.text for event in events), itertools.repeat("plain"), strict=False)
    return [Labelled(facts, label_cells=max(map(len, times)))]
