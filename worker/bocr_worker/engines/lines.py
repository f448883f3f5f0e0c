"""From read lines to a recognition: reading order, paragraphs, blocks and confidence.

What line engines have in common. Boxes are in pixels of the image here and become fractions on the way out.
Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from bocr_worker.protocol.recognition import Block, Recognition, Word
from bocr_worker.quality.confidence import summarise
from bocr_worker.reading import Box, Region, reading_order

_CELL_GAP = 1.5
"""White of so many line heights between two boxes of a row separates cells (a tab), less only words."""

_PARAGRAPH_PITCH = 1.4
"""A step down of so many usual steps starts a paragraph."""

_INDENT = 0.8
"""A line that starts so many line heights inside the margin, after one that does not, starts a paragraph."""

_REACH = 0.97
"""A line ends a paragraph when the next line's first word would have fitted within this share of the width:
a ragged margin is no end."""


@dataclass(frozen=True)
class ReadWord:
    """A word with its box in pixels and its confidence, 0..1."""

    text: str
    box: Box
    confidence: float


@dataclass(frozen=True)
class ReadLine:
    """One line as an engine read it. `level` is its box on the deskewed page, for the reading order, where
    the engine knows the page's slope; otherwise the same as `box`."""

    text: str
    box: Box
    level: Box
    confidence: float
    words: tuple[ReadWord, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """The image the lines were read from, and how it reads."""

    width_px: int
    height_px: int
    right_to_left: bool = False
    keep_order: bool = False
    """The lines already come in reading order."""


def recognition_of(
    lines: Sequence[ReadLine], sheet: Sheet, language: str | None, extra: Mapping[str, Any]
) -> Recognition:
    """Text is one line a row; markdown the same with an empty line between paragraphs."""
    if sheet.keep_order and lines:
        regions: tuple[Region, ...] = (Region(tuple((place,) for place in range(len(lines)))),)
    else:
        regions = reading_order([line.level for line in lines], sheet.right_to_left)
    rows: list[str] = []
    paragraphs: list[str] = []
    blocks: list[Block] = []
    for region in regions:
        read_rows = [[lines[place] for place in row] for row in region.rows]
        texts = [_row_text(row) for row in read_rows]
        rows += texts
        for start, end in _paragraphs(read_rows, sheet.right_to_left):
            paragraphs.append("\n".join(texts[start:end]))
        blocks += [_block(line, sheet) for row in read_rows for line in row]
    return Recognition(
        text="\n".join(rows),
        markdown="\n\n".join(paragraphs),
        blocks=tuple(blocks),
        confidence=summarise(_weighed(blocks)),
        language=language,
        extra=dict(extra),
    )


def _weighed(blocks: Sequence[Block]) -> list[tuple[float | None, float]]:
    pieces: list[Block | Word] = []
    for block in blocks:
        pieces += block.words or (block,)
    return [(piece.confidence, float(len(piece.text))) for piece in pieces]


def _row_text(row: Sequence[ReadLine]) -> str:
    parts = [row[0].text]
    for before, line in pairwise(row):
        gap = max(line.level[0] - before.level[2], before.level[0] - line.level[2])
        height = min(line.level[3] - line.level[1], before.level[3] - before.level[1])
        parts += ["\t" if gap >= _CELL_GAP * height else " ", line.text]
    return "".join(parts)


# -- paragraphs ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _RowShape:
    """A row of a column: where it starts and ends along the reading direction (from the column's leading
    edge), its middle and height, the width of its first word, and whether it has cells."""

    start: float
    end: float
    middle: float
    height: float
    first_word: float
    cells: bool


def _paragraphs(rows: Sequence[Sequence[ReadLine]], right_to_left: bool) -> list[tuple[int, int]]:
    """First and one past the last row of each paragraph of a region."""
    shapes = _shapes(rows, right_to_left)
    width = max(shape.end for shape in shapes)
    height = median(shape.height for shape in shapes)
    steps = [b.middle - a.middle for a, b in pairwise(shapes) if b.middle > a.middle]
    step = median(steps) if steps else height
    breaks = [_breaks(before, row, width, height, step) for before, row in pairwise(shapes)]
    starts = [0, *(number for number, new in enumerate(breaks, 1) if new)]
    return list(zip(starts, [*starts[1:], len(shapes)]))  # noqa: B905


def _shapes(rows: Sequence[Sequence[ReadLine]], right_to_left: bool) -> list[_RowShape]:
    left = min(line.level[0] for row in rows for line in row)
    right = max(line.level[2] for row in rows for line in row)
    shapes = []
    for row in rows:
        x0, x1 = min(line.level[0] for line in row), max(line.level[2] for line in row)
        top, bottom = min(line.level[1] for line in row), max(line.level[3] for line in row)
        start, end = (right - x1, right - x0) if right_to_left else (x0 - left, x1 - left)
        text = row[0].text
        character = (row[0].level[2] - row[0].level[0]) / max(1, len(text))
        first_word = (len(text.split(" ", 1)[0]) + 1) * character
        shapes.append(_RowShape(start, end, (top + bottom) / 2, bottom - top, first_word, len(row) > 1))
    return shapes


def _breaks(before: _RowShape, row: _RowShape, width: float, height: float, step: float) -> bool:
    if row.middle - before.middle > _PARAGRAPH_PITCH * step:
        return True
    if before.cells or row.cells:
        return before.cells != row.cells
    return before.end + row.first_word < _REACH * width or row.start - before.start > _INDENT * height


# -- blocks --------------------------------------------------------------------------------------------


def _block(line: ReadLine, sheet: Sheet) -> Block:
    words = tuple(Word(w.text, _share(w.box, sheet), round(w.confidence, 4)) for w in line.words)
    return Block(line.text, _share(line.box, sheet), "line", round(line.confidence, 4), words)


def _share(box: Box, sheet: Sheet) -> tuple[float, float, float, float]:
    """Pixels to fractions, inside the image and at least a hair wide and tall, as a box must be."""
    x0, x1 = _within(box[0], box[2], sheet.width_px)
    y0, y1 = _within(box[1], box[3], sheet.height_px)
    return x0, y0, x1, y1


def _within(low: float, high: float, size: int) -> tuple[float, float]:
    least = 1.0 / max(1, size)
    start = min(max(low * least, 0.0), 1.0 - least)
    return round(start, 5), round(min(max(high * least, start + least), 1.0), 5)
