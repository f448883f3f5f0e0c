"""The columns of a table: which are shown at a width, how wide each is, and a row's cells in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bocr_tui.ui.bidi import has_right_to_left, in_one_line
from bocr_tui.ui.safe_text import clean, fit, whole_words, width_of
from bocr_tui.ui.widgets.tones import Part

Cell = tuple[Part, ...]
"""What stands in one column of one row."""

GAP = 2
"""Blank cells between two columns."""


@dataclass(frozen=True)
class Column:
    """`width` in cells; 0: shares what the others leave, by `weight`, but at least `least`.

    A column is left out of tables narrower than `from_width`. `middle`: what is too long is cut in its
    middle, as befits file names, whose ends tell them apart; `words`: after a whole word. `sort` names
    the order that a click on the title gives the list; `own_order` is true of the one that the list has by
    itself, which needs no arrow.
    """

    title: str
    width: int = 0
    weight: int = 1
    least: int = 8
    align: Literal["left", "right"] = "left"
    from_width: int = 0
    middle: bool = False
    words: bool = False
    sort: str = ""
    own_order: bool = False


@dataclass(frozen=True)
class Placed:
    """A column that is shown, its place among all columns, and its cells."""

    column: Column
    index: int
    width: int


def place(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """The columns that a table of `width` cells shows; the least important ones give way first."""
    shown = [(index, column) for index, column in enumerate(columns) if width >= column.from_width]
    while _least(shown) > width and any(column.from_width for _, column in shown):
        shown.remove(max(shown, key=lambda each: each[1].from_width))
    flexible = [(index, column) for index, column in shown if not column.width]
    fixed = sum(column.width for _, column in shown) + GAP * max(0, len(shown) - 1)
    left = max(0, width - fixed)
    weights = sum(column.weight for _, column in flexible)
    widths: dict[int, int] = {}
    for number, (index, column) in enumerate(flexible):
        share = left if number == len(flexible) - 1 else left * column.weight // max(1, weights)
        widths[index] = max(column.least, share)
        left -= share
        weights -= column.weight
    return tuple(Placed(column, index, column.width or widths[index]) for index, column in shown)


def _least(shown: Sequence[tuple[int, Column]]) -> int:
    """Cells that these columns need."""
    return sum(column.width or column.least for _, column in shown) + GAP * max(0, len(shown) - 1)


def text_cell(text: str, tone: str = "plain") -> Cell:
    """A cell of one tone; the text may be anything."""
    return ((clean(text), tone),)


def fitted(cell: Cell, placed: Placed) -> Cell:
    """The cell in exactly its column's width."""
    column = placed.column
    if len(cell) == 1:
        text, tone = cell[0]
        if column.words:
            text = whole_words(text, placed.width)
        return ((fit(text, placed.width, align=column.align, middle=column.middle), tone),)
    parts: list[Part] = []
    left = placed.width
    for text, tone in cell:
        part = fit(text, min(left, width_of(text)))
        parts.append((part, tone))
        left -= width_of(part)
    padding = (" " * left, "plain")
    return (padding, *parts) if column.align == "right" else (*parts, padding)


def in_order(cell: Cell) -> Cell:
    """A fitted cell for a terminal that draws all it is sent from the left.

    What is written from the right is put in the order it is seen in, in a line that begins at the left.
    """
    return tuple((in_one_line(text) if has_right_to_left(text) else text, tone) for text, tone in cell)


def bar(width: int, shares: Sequence[tuple[int, str]], total: int) -> Cell:
    """A bar of `width` cells: for each (count, tone) its share of `total`, and what is left as a groove.

    Whatever is there at all gets a cell, so that one failed page among a thousand is seen.
    """
    if total <= 0:
        return (("╌" * width, "muted"),)
    cells = [(max(1, round(number * width / total)) if number else 0, tone) for number, tone in shares]
    while sum(each for each, _ in cells) > width:
        largest = max(range(len(cells)), key=lambda index: cells[index][0])
        cells[largest] = (cells[largest][0] - 1, cells[largest][1])
    parts = [("━" * each, tone) for each, tone in cells if each]
    left = width - sum(each for each, _ in cells)
    return (*parts, ("╌" * left, "muted")) if left else tuple(parts)
