"""What Chandra answered, understood: labelled blocks with their places, and the package's markdown.

Blocks are read here, because the package puts a block without a sound place into the page's corner and says
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bocr_worker.engines.vision.base import Answer, Parsed
from bocr_worker.engines.vision.layout_html import Layout, LayoutBlock, read_layout
from bocr_worker.protocol.recognition import Block, Box, Recognition

LAYOUT, PLAIN = "ocr_layout", "ocr"
"""The package's prompts: with blocks and their places, and the same HTML without."""

MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,4000}>|<!--[^<>]{0,2000}-->")
"""What in an answer is no text of the page."""

_PLACE = re.compile(
    r"\s{0,9}\[?\s{0,9}(-?\d{1,6})[\s,]{1,9}(-?\d{1,6})[\s,]{1,9}(-?\d{1,6})[\s,]{1,9}(-?\d{1,6})\s{0,9}\]?\s{0,9}",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_BLANK_PAGE = "blank-page"
_MOST_BLOCKS = 2000


Markdown = Callable[[str], str]
"""From safe HTML; empty where there is none to be had."""


def parse_chandra(answer: Answer, scale: int, markdown_of: Markdown) -> Parsed:
    """`scale` is the last column and row of the places. Never raises."""
    layout = read_layout(answer.text)
    problem = layout.problem
    # What is too large for a parser keeps its text, from which the verdict says why.
    markdown = "" if problem else markdown_of(layout.html)
    extra: dict[str, Any] = (
        {} if markdown or not layout.text else {"markdown": "the plain text: there is no other"}
    )
    blocks: list[Block] = []
    spans: list[tuple[int, int]] = []
    if answer.prompt != PLAIN:
        labelled = [block for block in layout.blocks if block.label is not None]
        problem = problem or _no_blocks(layout, labelled, answer)
        for block in labelled[:_MOST_BLOCKS]:
            if _label(block) == _BLANK_PAGE:
                continue
            box = read_place(block.place, scale)
            if isinstance(box, str):
                # In the middle of its last block an answer that was cut off may hold anything.
                if block.closed or answer.finish == "stop":
                    problem = problem or box
                continue
            blocks.append(Block(block.text, box, _label(block)))
            spans.append((block.start, block.end))
    text = "" if _is_blank(layout) else layout.text
    recognition = Recognition(
        text=text,
        markdown=markdown or text,
        blocks=tuple(blocks),
        raw=answer.text,
        finish=answer.finish,
        markup_problem=problem,
        extra=extra,
    )
    return Parsed(recognition, tuple(spans))


def read_place(written: str | None, scale: int) -> Box | str:
    """The box as fractions of the image, or what is wrong with it. Both models' spellings are read: they
    differ in brackets and commas."""
    if written is None:
        return "a block without a place"
    found = _PLACE.fullmatch(written)
    if found is None:
        return f"a place that is no four whole numbers: {written[:60]}"
    x0, y0, x1, y1 = (int(edge) for edge in found.groups())
    if not all(0 <= edge <= scale for edge in (x0, y0, x1, y1)):
        return f"a place outside of 0 to {scale}: {written[:60]}"
    if not (x1 > x0 and y1 > y0):
        return f"a place that ends before it starts: {written[:60]}"
    return (round(x0 / scale, 5), round(y0 / scale, 5), round(x1 / scale, 5), round(y1 / scale, 5))


def _no_blocks(layout: Layout, labelled: list[LayoutBlock], answer: Answer) -> str | None:
    if labelled or not answer.text.strip():
        return None
    if answer.finish != "stop" and not layout.text:
        return None  # cut off before anything was said
    return "no block with a label at the top"


def _is_blank(layout: Layout) -> bool:
    """The model says that nothing stands there."""
    return bool(layout.blocks) and all(
        block.label is not None and _label(block) == _BLANK_PAGE for block in layout.blocks
    )


def _label(block: LayoutBlock) -> str:
    said = "-".join((block.label or "").lower().replace("_", "-").split())
    return said if _LABEL.fullmatch(said) else "text"
