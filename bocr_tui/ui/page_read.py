"""What one attempt read, as lines to show: rendered, with boxes where there are any, and as written."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bocr_tui.catalog.list_rows import AttemptRow
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.rendered import Span, rendered
from bocr_tui.ui.text_layout import ReadLine

if TYPE_CHECKING:
    from bocr_worker.protocol.recognition import Block, Recognition

DOUBTFUL_BELOW = 0.6
"""A word this unsure is marked, as a line is coloured (`wording.confidence_tone`)."""

DOUBTFUL = "doubtful"
"""In a reading's `extra`: stretches `[start, end, mean]` of its raw answer that the model doubted."""

MOST_STRETCHES = 500

HEADINGS = frozenset({"title", "sub-title", "section-header", "doc-title", "paragraph-title"})
"""Labels of blocks that are shown as headings."""

_MARKUP = re.compile(r"<[^<>]{0,2000}>|[*_#`|]+")


@dataclass(frozen=True)
class Read:
    """What one attempt read. `lines` are rendered, `raw` is what the engine wrote, line by line, and `raw_is`
    the name of that. `trouble` says why there is nothing."""

    lines: tuple[ReadLine, ...] = ()
    trouble: str = ""
    raw: tuple[ReadLine, ...] = ()
    raw_is: str = ""
    text: str = ""
    """As it would be exported, for copying and comparing."""
    to_edit: tuple[str, str] = ("", ".txt")
    """What a person edits, and the ending of a file that holds it."""


async def read_attempt(results: Path, attempt: AttemptRow) -> Read:
    """The text of an attempt, verified. Never raises: what is wrong is told in its place."""
    if attempt.result_file is None:
        return Read(trouble="This attempt left no text.")
    try:
        return await asyncio.to_thread(_read, results, attempt)
    except BocrError as error:
        return Read(trouble=str(error))


def _read(results: Path, attempt: AttemptRow) -> Read:
    from bocr_tui.catalog.results import ResultLocator, read_result

    locator = ResultLocator(
        attempt.result_file or "",
        attempt.result_offset or 0,
        attempt.result_length or 0,
        attempt.result_sha256 or "",
    )
    return read_of(read_result(results, locator).recognition)


def read_of(seen: Recognition) -> Read:
    """A reading as lines. Pure, and slow for very long ones: run in a thread."""
    from bocr_tui.control.written_text import to_edit

    stretches = _stretches(seen)
    lines = [_of_block(block) for block in seen.blocks] if seen.blocks else _of_text(seen)
    lines = _doubt_found(lines, [(seen.raw or "")[start:end] for start, end in stretches])
    source, name = _source(seen)
    raw = _raw_lines(source, stretches if seen.raw is not None else [])
    trouble = "" if lines else "Nothing was read: the page counts as blank."
    return Read(tuple(lines), trouble, raw, name, seen.text, to_edit(seen))


def _source(seen: Recognition) -> tuple[str, str]:
    if seen.raw is not None:
        return seen.raw, "raw answer"
    if seen.markdown.strip() != seen.text.strip():
        return seen.markdown, "markdown"
    return seen.text, "text as exported"


def _of_block(block: Block) -> ReadLine:
    text, spans = rendered(block.text)
    if block.label in HEADINGS:
        spans = (Span(0, len(text), "strong"),)
    doubts = _unsure_words(text, block) if block.words else ()
    return ReadLine(text, block.confidence, block.box, block.label, (*spans, *doubts))


def _unsure_words(text: str, block: Block) -> Iterable[Span]:
    """The words an engine was unsure of, found one after the other in the block's text."""
    here = 0
    for word in block.words:
        at = text.find(word.text, here) if word.text else -1
        if at < 0:
            continue
        here = at + len(word.text)
        if word.confidence is not None and word.confidence < DOUBTFUL_BELOW:
            yield Span(at, here, "doubt")


def _of_text(seen: Recognition) -> list[ReadLine]:
    text, spans = rendered(seen.markdown or seen.text)
    return [line for line in _cut(text, spans) if line.text.strip()]


def _raw_lines(source: str, stretches: Sequence[tuple[int, int]]) -> tuple[ReadLine, ...]:
    return tuple(_cut(source, [Span(start, end, "doubt") for start, end in stretches]))


def _cut(text: str, spans: Iterable[Span]) -> list[ReadLine]:
    """A text in lines, each with its part of the spans."""
    ordered = sorted(spans)
    lines: list[ReadLine] = []
    here = first = 0
    for line in text.split("\n"):
        end = here + len(line)
        while first < len(ordered) and ordered[first].end <= here:
            first += 1
        mine = []
        for span in ordered[first:]:
            if span.start >= end:
                break
            mine.append(Span(max(0, span.start - here), min(len(line), span.end - here), span.look))
        lines.append(ReadLine(line, spans=tuple(mine)))
        here = end + 1
    return lines


def _stretches(seen: Recognition) -> list[tuple[int, int]]:
    """Checked: a result is a file from another machine, and `extra` may hold anything."""
    found = seen.extra.get(DOUBTFUL)
    if seen.raw is None or not isinstance(found, list):
        return []
    checked = [_stretch(each, len(seen.raw)) for each in found[:MOST_STRETCHES]]
    return sorted(each for each in checked if each is not None)


def _stretch(said: Any, length: int) -> tuple[int, int] | None:
    if not isinstance(said, list) or len(said) < 2:
        return None
    start, end = said[0], said[1]
    if not (isinstance(start, int) and isinstance(end, int)) or not 0 <= start < end <= length:
        return None
    return start, end


def _doubt_found(lines: list[ReadLine], doubted: Sequence[str]) -> list[ReadLine]:
    """Mark in the rendered lines what the model doubted in its raw answer: the same words, in order. What
    cannot be found again, because markup ran through it, is marked in the raw answer alone."""
    made = list(lines)
    line = here = 0
    for answer in doubted:
        words = " ".join(html.unescape(_MARKUP.sub(" ", answer)).split())
        if not words:
            continue
        for at in range(line, len(made)):
            start = made[at].text.find(words, here if at == line else 0)
            if start >= 0:
                line, here = at, start + len(words)
                made[at] = replace(made[at], spans=(*made[at].spans, Span(start, here, "doubt")))
                break
    return made
