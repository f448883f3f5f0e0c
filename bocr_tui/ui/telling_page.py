"""What is said about one page: how it stands, why it failed, what was tried."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bocr_tui.catalog.counting import why_it_counts
from bocr_tui.catalog.list_rows import AttemptRow
from bocr_tui.catalog.reasons import spread_out
from bocr_tui.ui import wording
from bocr_tui.ui.page_story import PageStory
from bocr_tui.ui.telling import Fact, about_sources
from bocr_tui.ui.widgets.facts import Heading, Indented, Labelled, Paragraph, Words
from bocr_tui.ui.widgets.tones import Part

EVIDENCE_CHARACTERS = 600
"""Of one piece of evidence: it is short quotes and numbers, unless something went wrong."""


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
    paragraphs += about_attempts(story.attempts, page.accepted_attempt_id, chosen, by_person=page.by_person)
    return [*paragraphs, *about_sources(story.sources)]


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
    for name, value in spread_out(evidence).items():
        if isinstance(value, float):
            text = f"{value:.3g}"
        elif isinstance(value, str):
            text = value
        else:
            text = json.dumps(value, ensure_ascii=False, default=str)
        yield (wording.plain(str(name))[:40], text[:EVIDENCE_CHARACTERS], "plain")


def about_attempts(
    attempts: Sequence[AttemptRow],
    accepted: int | None,
    chosen: int | None = None,
    *,
    by_person: bool = False,
) -> list[Paragraph]:
    """One or two lines an attempt, the chosen one marked."""
    if not attempts:
        return [Heading("Attempts"), Words((("None yet.", "muted"),))]
    paragraphs: list[Paragraph] = [Heading("Attempts")]
    for index, attempt in enumerate(attempts):
        ok = attempt.outcome == "ok"
        tone = "ok" if ok else "failed"
        sign = "✓" if ok else "✗"
        taken = ("  accepted by a person" if by_person else "  accepted") if attempt.id == accepted else ""
        parts: list[Part] = [
            ("▸ " if index == chosen else "  ", "accent"),
            (f"{index + 1} {sign} {attempt.engine}", tone),
            (f" {attempt.variation}", "plain"),
            (f"  {wording.plain(attempt.failure or '')}", tone),
            (taken, "ok"),
        ]
        paragraphs += [Words(parts), Indented(((_figures(attempt), "muted"),), 6)]
    counts = why_it_counts(attempts, accepted, by_person=by_person)
    return [*paragraphs, Words(((counts, "plain"),))] if counts else paragraphs


def _figures(attempt: AttemptRow) -> str:
    """Confidence, time, tokens, prompt, job: what of it is known."""
    if attempt.job_id is None:
        by = attempt.evidence.get("by")
        return f"written by {by if isinstance(by, str) and by else 'a person'}, {wording.clock(attempt.at)}"
    said = [f"conf {wording.percent(attempt.confidence_mean)}", wording.duration(attempt.seconds)]
    if attempt.completion_tokens is not None:
        said.append(f"{attempt.completion_tokens:,} tokens")
    if attempt.prompt_hash:
        said.append(f"prompt {attempt.prompt_hash[:8]}")
    return ", ".join([*said, f"job {attempt.token}", wording.clock(attempt.at)])
