"""Where a page's ink lies and what of it the engine's boxes cover, on the cells of the ink grid.

Rows of cells are integers, one bit a column (bit 0 is the left edge), so that a page is mapped in a fraction
of a millisecond without numpy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS
from bocr_worker.protocol.recognition import Box

LEAST_INK = 10 / 255
MOST_INK = 0.5
"""Text fills 5 to 45% of a cell; less is the edge of a line or grain, more is a figure, a bar or a shadow."""

GROW_ROWS = 0.3
"""Boxes are grown by this part of a cell up and down (2 mm on A4): engines draw them tight around letters."""

NEAR_COLUMNS = 0.25
"""A box that reaches less than this into a column does not cover it."""

_PARTS = 5
"""Heights are counted in fifths of a cell; a cell is covered from two fifths on."""

_ALL = (1 << GRID_COLUMNS) - 1
_INNER = _ALL & ~1 & ~(1 << (GRID_COLUMNS - 1))
_TEXT_TABLE = bytes(49 if LEAST_INK * 255 <= level < MOST_INK * 255 else 48 for level in range(256))
_SOLID_TABLE = bytes(49 if level >= MOST_INK * 255 else 48 for level in range(256))

RULE_CELLS = 4
"""Cells in a row of one even density, with none above and below: a rule, not text."""
_RULE_SPREAD = 0.12
_RULE_SPREAD_LEVELS = 3

Rows = tuple[int, ...]


@dataclass(frozen=True)
class InkMap:
    """Bits of the cells that look like text, that are solid, and that boxes cover; the outermost cells,
    where scans have their dirt, are never text."""

    text: Rows
    solid: Rows
    covered: Rows

    @property
    def text_cells(self) -> int:
        return sum(row.bit_count() for row in self.text)

    @property
    def solid_cells(self) -> int:
        return sum(row.bit_count() for row in self.solid)

    @property
    def unread(self) -> Rows:
        """Cells that look like text and that no box covers."""
        return tuple(text & ~covered for text, covered in zip(self.text, self.covered, strict=True))


def map_ink(grid: bytes, boxes: Iterable[Box]) -> InkMap | None:
    """None where the grid is missing or of another size."""
    if len(grid) != GRID_ROWS * GRID_COLUMNS:
        return None
    covered = cover(boxes)
    text = _bits(grid, _TEXT_TABLE)
    inner = tuple(row & _INNER if 0 < place < GRID_ROWS - 1 else 0 for place, row in enumerate(text))
    ruled = _rules(grid, tuple(row & ~cover for row, cover in zip(inner, covered, strict=True)))
    return InkMap(
        text=tuple(row & ~rule for row, rule in zip(inner, ruled, strict=True)),
        solid=_bits(grid, _SOLID_TABLE),
        covered=covered,
    )


def _bits(grid: bytes, table: bytes) -> Rows:
    """One bit a cell from a table of b'0' and b'1' by ink level."""
    marks = grid.translate(table)
    return tuple(
        int(marks[start : start + GRID_COLUMNS][::-1], 2) for start in range(0, len(marks), GRID_COLUMNS)
    )


def cover(boxes: Iterable[Box]) -> Rows:
    """The cells that the boxes cover, grown a little; boxes that are no boxes cover nothing."""
    height = GRID_ROWS * _PARTS
    parts = [0] * height
    grow = GROW_ROWS * _PARTS
    for box in boxes:
        x0, y0, x1, y1 = (min(1.0, max(0.0, edge)) for edge in box)
        if not (x1 > x0 and y1 > y0 and all(map(math.isfinite, box))):
            continue
        first = min(GRID_COLUMNS - 1, math.floor(x0 * GRID_COLUMNS + NEAR_COLUMNS))
        last = max(first + 1, math.ceil(x1 * GRID_COLUMNS - NEAR_COLUMNS))
        bits = (1 << last) - (1 << first)
        top = max(0, round(y0 * height - grow))
        bottom = min(height, round(y1 * height + grow))
        for part in range(top, bottom):
            parts[part] |= bits
    return tuple(_twice(parts[start : start + _PARTS]) for start in range(0, height, _PARTS))


def _twice(parts: list[int]) -> int:
    """The bits set in at least two of the rows."""
    once = twice = 0
    for part in parts:
        twice |= once & part
        once |= part
    return twice


def _rules(grid: bytes, unread: Rows) -> Rows:
    """Of the unread cells those that are ruling lines of tables and forms."""
    rules = [0] * GRID_ROWS
    padded = (0, *unread, 0)
    for row in range(GRID_ROWS):
        alone = unread[row] & ~padded[row] & ~padded[row + 2]
        if alone.bit_count() < RULE_CELLS:
            continue
        levels = grid[row * GRID_COLUMNS : (row + 1) * GRID_COLUMNS]
        for first, last in _even_runs(levels, alone):
            rules[row] |= (1 << last) - (1 << first)
    for column in range(GRID_COLUMNS):
        bit = 1 << column
        beside = (bit << 1) | (bit >> 1)
        alone = sum(1 << row for row, bits in enumerate(unread) if bits & bit and not bits & beside)
        if alone.bit_count() < RULE_CELLS:
            continue
        for first, last in _even_runs(grid[column::GRID_COLUMNS], alone):
            for row in range(first, last):
                rules[row] |= bit
    return tuple(rules)


def _even_runs(levels: bytes, wanted: int) -> Iterable[tuple[int, int]]:
    """Runs (first, past the last) of wanted cells whose ink is even from end to end."""
    start = 0
    while wanted >> start:
        if not wanted >> start & 1:
            start += 1
            continue
        least = most = levels[start]
        end = start + 1
        while wanted >> end & 1:
            low, high = min(least, levels[end]), max(most, levels[end])
            if high - low > _RULE_SPREAD_LEVELS + _RULE_SPREAD * high:
                break
            least, most, end = low, high, end + 1
        if end - start >= RULE_CELLS:
            yield start, end
        start = end
