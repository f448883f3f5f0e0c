"""One page through an engine: ask for each prepared image, put the answers together on the page."""

from __future__ import annotations

from dataclasses import replace

from bocr_worker.engines.base import Ask
from bocr_worker.protocol.manifest import Variation
from bocr_worker.protocol.recognition import Block, Confidence, Recognition, Usage, Word
from bocr_worker.render.page import Placement, RenderedPage
from bocr_worker.runtimes.base import Runtime
from bocr_worker.runtimes.openai.reading import DOUBTFUL

_BETWEEN = "\n\n"
"""Answers of a page's parts."""

BLANK = Recognition(text="", markdown="", finish="stop")
"""What a page without ink reads as; no engine is asked."""


async def read_page(
    runtime: Runtime,
    page: RenderedPage,
    variation: Variation,
    languages: tuple[str, ...],
    binding: bool,
    deadline_s: float,
) -> Recognition:
    """Raises AskFailed and RuntimeBroken, as the runtime does."""
    if not page.images:
        return BLANK
    parts = []
    for prepared in page.images:
        ask = Ask(prepared.image, languages, binding, variation.options)
        recognition = await runtime.ask(ask, deadline_s)
        parts.append(place(recognition, prepared.placement))
    return parts[0] if len(parts) == 1 else join(parts)


def place(recognition: Recognition, placement: Placement) -> Recognition:
    """The same recognition with its boxes on the page instead of on the image."""
    if placement == Placement():
        return recognition
    return replace(recognition, blocks=tuple(_place_block(block, placement) for block in recognition.blocks))


def _place_block(block: Block, placement: Placement) -> Block:
    words = tuple(Word(word.text, placement.box(word.box), word.confidence) for word in block.words)
    return replace(block, box=placement.box(block.box), words=words)


def join(parts: list[Recognition]) -> Recognition:
    """Recognitions of the page's parts, in reading order, as one. Confidences weigh by characters."""
    weights = [max(1, len(part.text)) for part in parts]
    means = [(part.confidence.mean, weight) for part, weight in zip(parts, weights)]  # noqa: B905 - 3.10
    known = [(mean, weight) for mean, weight in means if mean is not None]
    mean = sum(m * w for m, w in known) / sum(w for _, w in known) if known else None
    lows = [part.confidence.minimum for part in parts if part.confidence.minimum is not None]
    longest = max(parts, key=lambda part: len(part.text))
    extra: dict[str, object] = {}
    for part in parts:
        extra.update(part.extra)
    if stretches := _doubtful(parts):
        extra[DOUBTFUL] = stretches
    raws = [part.raw for part in parts if part.raw is not None]
    return Recognition(
        text="\n\n".join(part.text for part in parts if part.text),
        markdown="\n\n".join(part.markdown for part in parts if part.markdown),
        blocks=tuple(block for part in parts for block in part.blocks),
        raw=_BETWEEN.join(raws) if raws else None,
        finish=next((part.finish for part in parts if part.finish != "stop"), "stop"),
        usage=Usage(
            _total([part.usage.prompt_tokens for part in parts]),
            _total([part.usage.completion_tokens for part in parts]),
        ),
        confidence=Confidence(mean, min(lows) if lows else None),
        language=longest.language,
        markup_problem=next((p.markup_problem for p in parts if p.markup_problem), None),
        extra=extra,
    )


def _doubtful(parts: list[Recognition]) -> list[list[float]]:
    """The stretches of each part's answer, where they stand in all of them put together."""
    found: list[list[float]] = []
    before = 0
    for part in parts:
        if part.raw is not None:
            stretches = part.extra.get(DOUBTFUL, ())
            found += [[start + before, end + before, mean] for start, end, mean in stretches]
            before += len(part.raw) + len(_BETWEEN)
    return found


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
