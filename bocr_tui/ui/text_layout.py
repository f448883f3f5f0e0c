"""From lines that were read to lines of a terminal: cleaned, wrapped, each knowing where it came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from bocr_tui.ui.rendered import Span
from bocr_tui.ui.safe_text import clean, is_right_to_left, width_of

MOST_LINES = 200_000
"""Lines shown of one page: a runaway answer must not fill the memory; what is left out is said."""

MOST_CHARACTERS = 30_000
"""Characters shown of one block, for the same reason."""


@dataclass(frozen=True)
class ReadLine:
    """One block of a recognition; its text may have several lines. `box` is in fractions of the page; None:
    unknown. `spans` are parts of the text that look different."""

    text: str
    confidence: float | None = None
    box: tuple[float, float, float, float] | None = None
    label: str = "line"
    spans: tuple[Span, ...] = ()


class Drawn(NamedTuple):
    """One line of the terminal. `first`: its block begins here; `block` -1: a word of the panel's own."""

    block: int
    text: str
    first: bool
    right_to_left: bool
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Everything that is drawn, and at which line each block begins."""

    drawn: list[Drawn]
    starts: list[int]

    def lines_of(self, block: int) -> range:
        """The lines of a block; empty for one that is not drawn."""
        if not 0 <= block < len(self.starts):
            return range(0)
        end = self.starts[block + 1] if block + 1 < len(self.starts) else len(self.drawn)
        return range(self.starts[block], end)

    def block_at(self, line: int) -> int:
        return bisect_right(self.starts, line) - 1


def lay_out(lines: Sequence[ReadLine], width: int) -> Layout:
    """`width` in cells, at least 1. Pure; a hundred thousand lines take about a second: run in a thread."""
    drawn: list[Drawn] = []
    starts: list[int] = []
    for block, line in enumerate(lines[:MOST_LINES]):
        starts.append(len(drawn))
        first = True
        for text, spans in _rows_of(line):
            right = is_right_to_left(text)
            for start, end in wrapped(text, width):
                drawn.append(Drawn(block, text[start:end], first, right, _within(spans, start, end)))
                first = False
        if len(lines) > MOST_LINES and len(drawn) > MOST_LINES:
            break
    return Layout(drawn, starts)


def _rows_of(line: ReadLine) -> Iterator[tuple[str, tuple[Span, ...]]]:
    """The rows of a block, cleaned, and its spans within them."""
    text = line.text[:MOST_CHARACTERS]
    left = len(line.text) - len(text)
    if "\n" not in text and not line.spans:
        yield clean(text).strip(), ()
    else:
        here = 0
        for row in text.strip("\n").split("\n"):
            yield clean_with(row, _within(line.spans, here, here + len(row)))
            here += len(row) + 1
    if left:
        yield f"… {left:,} more characters are not shown.", ()


def clean_with(text: str, spans: Sequence[Span]) -> tuple[str, tuple[Span, ...]]:
    """A cleaned line with its spans where they are after cleaning, which may leave characters out."""
    if not spans:
        return clean(text).rstrip(), ()
    borders = sorted({0, len(text), *(each.start for each in spans), *(each.end for each in spans)})
    borders = [border for border in borders if 0 <= border <= len(text)]
    pieces = [clean(text[start:end]) for start, end in pairwise(borders)]
    moved = [0]
    for piece in pieces:
        moved.append(moved[-1] + len(piece))
    where = dict(zip(borders, moved, strict=False))
    kept = [Span(where[each.start], where[each.end], each.look) for each in spans if each.end in where]
    return "".join(pieces).rstrip(), tuple(each for each in kept if each.start < each.end)


def _within(spans: Sequence[Span], start: int, end: int) -> tuple[Span, ...]:
    if not spans:
        return ()
    return tuple(
        Span(max(0, each.start - start), min(end, each.end) - start, each.look)
        for each in spans
        if each.start < end and each.end > start
    )


def wrapped(text: str, width: int) -> list[tuple[int, int]]:
    """Where a cleaned text is broken: pieces of at most `width` cells, at blanks where it can be; the blank a
    line is broken at is in neither piece."""
    if width_of(text) <= width:
        return [(0, len(text))]
    cells = _cells_before(text)
    pieces: list[tuple[int, int]] = []
    start = 0
    while cells[-1] - cells[start] > width:
        end = bisect_right(cells, cells[start] + width) - 1
        while end < len(text) and cells[end + 1] == cells[end]:
            end += 1  # marks go with their letter
        end = max(end, start + 1)
        blank = text.rfind(" ", start + 1, end + 1)
        if blank > start:
            pieces.append((start, blank))
            start = blank + 1
        else:
            pieces.append((start, end))
            start = end
    return [*pieces, (start, len(text))]


def _cells_before(text: str) -> list[int]:
    """How many cells stand before each character, and after the last."""
    if text.isascii():
        return list(range(len(text) + 1))
    cells = [0]
    for character in text:
        cells.append(cells[-1] + (1 if character < "\u0300" else width_of(character)))
    return cells
