"""What the preview panes say about one thing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bocr_tui.catalog.list_rows import (
    AttemptRow,
    BatchRow,
    DocumentRow,
    EventRow,
    JobRow,
    SourceRow,
    Tally,
)
from bocr_tui.catalog.words import PageState
from bocr_tui.ui import wording
from bocr_tui.ui.page_story import PageStory
from bocr_tui.ui.sheets import batch_names, job_seconds
from bocr_tui.ui.widgets.columns import bar
from bocr_tui.ui.widgets.facts import Heading, Labelled, Paragraph, Words
from bocr_tui.ui.widgets.tones import Part

Fact = tuple[str, str, str]

EVIDENCE_CHARACTERS = 600
"""Of one piece of evidence: it is short quotes and numbers, unless something went wrong."""

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


def about_page(story: PageStory, chosen: int | None = None) -> list[Paragraph]:
    """State, why it failed with the evidence, what was tried; the attempt `chosen` is marked."""
    page = story.page
    state, tone = wording.page_state(page.state, page.held)
    paragraphs: list[Paragraph] = [
        Words(((page.document, "strong"), (f"\npage {page.number} of {story.document.page_count}", "muted"))),
        Labelled(_page_facts(story, state, tone)),
    ]
    if page.failure:
        paragraphs += about_failure(page.failure, story.attempts)
    paragraphs += about_attempts(story.attempts, page.accepted_attempt_id, chosen)
    return [*paragraphs, *_about_sources(story.sources)]


def _page_facts(story: PageStory, state: str, tone: str) -> Iterable[Fact]:
    page = story.page
    yield ("State", state, tone)
    if page.engine:
        yield ("Engine", page.engine, "plain")
    if page.confidence is not None:
        yield ("Confidence", wording.percent(page.confidence), wording.confidence_tone(page.confidence))
    if story.document.language:
        yield (
            "Language",
            f"{story.document.language} ({story.document.language_source or 'unknown'})",
            "plain",
        )
    if page.changed_at:
        yield ("Changed", wording.clock(page.changed_at), "muted")


def _language(document: DocumentRow) -> str:
    if not document.language:
        return wording.UNKNOWN
    return f"{document.language} ({document.language_source or 'unknown'})"


def about_failure(failure: str, attempts: Sequence[AttemptRow]) -> list[Paragraph]:
    """The class in a sentence and the evidence of the last attempt that failed with it."""
    paragraphs: list[Paragraph] = [
        Heading("Why it failed"),
        Words(
            (
                (wording.plain(failure), "failed"),
                (f"  {wording.FAILURE_SENTENCES.get(failure, '')}", "plain"),
            )
        ),
    ]
    guilty = [attempt for attempt in attempts if attempt.failure == failure and attempt.evidence]
    if guilty:
        paragraphs.append(Labelled(about_evidence(guilty[-1].evidence)))
    return paragraphs


def about_evidence(evidence: Mapping[str, Any]) -> Iterable[Fact]:
    for name, value in evidence.items():
        if isinstance(value, float):
            text = f"{value:.3g}"
        elif isinstance(value, str):
            text = value
        else:
            text = json.dumps(value, ensure_ascii=False, default=str)
        yield (wording.plain(str(name))[:40], text[:EVIDENCE_CHARACTERS], "plain")


def about_attempts(
    attempts: Sequence[AttemptRow], accepted: int | None, chosen: int | None = None
) -> list[Paragraph]:
    """One or two lines an attempt, the chosen one marked."""
    if not attempts:
        return [Heading("Attempts"), Words((("None yet.", "muted"),))]
    paragraphs: list[Paragraph] = [Heading("Attempts")]
    for index, attempt in enumerate(attempts):
        ok = attempt.outcome == "ok"
        tone = "ok" if ok else "failed"
        sign = "✓" if ok else "✗"
        taken = "  accepted" if attempt.id == accepted else ""
        parts: list[Part] = [
            ("▸ " if index == chosen else "  ", "accent"),
            (f"{index + 1} {sign} {attempt.engine}", tone),
            (f" {attempt.variation}", "plain"),
            (f"  {wording.plain(attempt.failure or '')}", tone),
            (taken, "ok"),
            (f"\n      {_figures(attempt)}", "muted"),
        ]
        paragraphs.append(Words(parts))
    return paragraphs


def _figures(attempt: AttemptRow) -> str:
    return (
        f"conf {wording.percent(attempt.confidence_mean)}, {wording.duration(attempt.seconds)}, "
        f"job {attempt.token}, {wording.clock(attempt.at)}"
    )


def _about_sources(sources: Sequence[SourceRow]) -> list[Paragraph]:
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
        ("Language", _language(row), "plain"),
        ("Size", wording.size(row.size_bytes), "plain"),
        ("Added", wording.clock(row.added_at), "muted"),
        ("SHA-256", row.sha256[:16], "muted"),
    ]
    paragraphs: list[Paragraph] = [Words(((row.name, "strong"),)), Labelled(facts)]
    if row.tally.total:
        paragraphs += [Heading("Pages"), *about_tally(row.tally)]
    return [*paragraphs, *_about_sources(sources)]


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


def about_job(row: JobRow) -> list[Paragraph]:
    state, tone = wording.job_state(row.state, row.cause)
    facts: list[Fact] = [("State", state, tone)]
    if row.reason:
        facts.append(("Reason", row.reason, "plain"))
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
    return [Words(((row.token, "strong"),)), Labelled(facts), *pages, *_job_times(row)]


def _job_times(row: JobRow) -> list[Paragraph]:
    times: list[Fact] = [
        ("Submitted", wording.clock(row.submitted_at), "plain"),
        ("Started", wording.clock(row.started_at), "plain"),
        ("Ended", wording.clock(row.ended_at), "plain"),
        ("Ran for", wording.duration(job_seconds(row)), "plain"),
    ]
    rate = row.heartbeat.get("pages_per_s")
    if isinstance(rate, (int, float)):
        times.append(("Rate", f"{rate * 60:.1f} pages a minute", "plain"))
    if row.ended_at is None and row.heartbeat_at is not None:
        times.append(("Last heard", wording.clock(row.heartbeat_at), "plain"))
    return [Heading("Time"), Labelled(times)]


def about_events(events: Sequence[EventRow]) -> list[Paragraph]:
    """The timeline, newest first."""
    if not events:
        return [Words((("Nothing has happened yet.", "muted"),))]
    return [Labelled(((wording.clock(event.at), event.text, "plain") for event in events), label_cells=11)]
