"""Finds the gutter between two columns, and the rows of the page for which it is one.

Works on an ink mask of 75 to 150 dpi. The page is seen as bands from top to bottom: in some a clear strip in
the middle parts two columns of prose, in others ink crosses it (a masthead, a heading, a table, a footer).
Everything that is in doubt is left whole: a page read across its columns is found out and tried again, a
table cut in two is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bocr_worker.prepare.layout import GUTTER_INCHES, Layout, is_columns, lay_out
from bocr_worker.prepare.morphology import grown, holding, runs

if TYPE_CHECKING:
    from bocr_worker.prepare.ink import Mask

_MIDDLE = (0.33, 0.67)
"""Where in the width of the page's content the gutter may lie."""

_LEAST_BAND_INCHES = 0.8
_LEAST_TOTAL_INCHES = 1.6
"""A gutter is one for so much of the page, in stretches of so much at least."""

_DOUBTFUL_INCHES = 2.0
"""Spaces between words, ends of paragraphs and drawings' edges lie below each other for less than this on
nearly every page of one column (1.8 inches at most on those of ten gazettes)."""

_CUT_INCHES = 0.08
_MOST_CUT = 0.02
"""A cut across the page goes through the emptiest row this near, and through at most this share of ink:
where columns and headings do not end at one height, as on a page askew, nothing is cut."""

_THIN_INCHES = 0.06
_SPECK_INCHES = 0.05


@dataclass(frozen=True)
class Band:
    """Rows of the mask, the last excluded. `gutter` is the column to cut at, None for a whole band."""

    top: int
    bottom: int
    gutter: int | None = None


def find_bands(mask: Mask, dpi: float) -> tuple[Band, ...]:
    """The bands from top to bottom, which together are the whole mask; one whole band where there are no two
    columns."""
    whole = (Band(0, mask.shape[0]),)
    layout = lay_out(mask, dpi)
    if layout is None:
        return whole
    column = _best_column(layout)
    if column is None:
        return whole
    parted = [band for band in _clear_bands(layout, column) if is_columns(layout, band, column)]
    if sum(bottom - top for top, bottom in parted) < layout.cells(_LEAST_TOTAL_INCHES):
        return whole
    return _tile(layout, parted, column)


def may_have_gutter(mask: Mask, dpi: float) -> bool:
    """Whether a strip without ink runs down so much of the page that there may be columns, of prose or of a
    table, whatever `find_bands` makes of it."""
    layout = lay_out(mask, dpi)
    if layout is None:
        return False
    column = _best_column(layout)
    return column is not None and any(
        bottom - top >= layout.cells(_DOUBTFUL_INCHES) for top, bottom in _clear_bands(layout, column)
    )


def _clear(layout: Layout) -> Mask:
    """Set where a strip of a gutter's width around the cell holds no ink."""
    return np.logical_not(grown(layout.text, max(1, layout.cells(GUTTER_INCHES) // 2), 1))


def _best_column(layout: Layout) -> int | None:
    """The column that is clear on most rows which have ink on both sides, or a rule in the gutter: the middle
    of the widest choice."""
    low, high = (layout.left + int(share * layout.width) for share in _MIDDLE)
    reach = layout.cells(0.15)
    lines = layout.text & ~layout.level
    seen = np.cumsum(lines, axis=1)
    before = grown(np.asarray(seen[:, low:high] > 0), reach, 0)
    after = grown(np.asarray(seen[:, low:high] < seen[:, -1:]), reach, 0)
    ruled = grown(layout.upright, layout.cells(0.05), 1)[:, low:high]
    scores = (_clear(layout)[:, low:high] & ((before & after) | ruled)).sum(axis=0)
    best = int(scores.max())
    if best < layout.cells(_LEAST_TOTAL_INCHES):
        return None
    plateaus = runs(np.asarray(scores >= 0.98 * best))
    first, end = max(plateaus, key=lambda run: (int(scores[run[0] : run[1]].max()) == best, run[1] - run[0]))
    return low + (first + end) // 2


def _clear_bands(layout: Layout, column: int) -> list[tuple[int, int]]:
    """Stretches of rows in which nothing crosses the gutter; specks of dust do not count."""
    half = max(1, layout.cells(GUTTER_INCHES) // 2)
    strip = layout.text[:, max(0, column - half) : column + half + 1]
    crossed = holding(strip, 1)
    speck = layout.cells(_SPECK_INCHES)
    for top, bottom in runs(crossed):
        part = strip[top:bottom]
        inked = np.flatnonzero(part.any(axis=0))
        inside = inked[0] > 0 and inked[-1] < strip.shape[1] - 1
        if inside and bottom - top <= speck and inked[-1] - inked[0] < speck:
            crossed[top:bottom] = False
    return [
        run for run in runs(np.logical_not(crossed)) if run[1] - run[0] >= layout.cells(_LEAST_BAND_INCHES)
    ]


def _tile(layout: Layout, parted: list[tuple[int, int]], column: int) -> tuple[Band, ...]:
    """Bands for the whole mask: what lies between parted bands is whole, and what is too thin to hold text
    (a rule) goes with its neighbour."""
    rows = layout.text.shape[0]
    inked = holding(layout.text, 1)
    bands: list[Band] = []
    at = 0
    for top, bottom in [*parted, (rows, rows)]:
        if _holds_text(inked[at:top], layout.cells(_THIN_INCHES)):
            bands.append(Band(at, top))
        if bottom > top:
            bands.append(Band(top, bottom, column))
        at = bottom
    cuts = [_emptiest(layout, before, after) for before, after in pairwise(bands)]
    edges = [0, *cuts, rows]
    falling = any(top >= bottom for top, bottom in pairwise(edges))
    if falling or any(layout.text[cut].mean() > _MOST_CUT for cut in cuts):
        return (Band(0, rows),)
    return tuple(
        Band(top, bottom, band.gutter) for band, (top, bottom) in zip(bands, pairwise(edges), strict=True)
    )


def _emptiest(layout: Layout, before: Band, after: Band) -> int:
    """The row to cut at: the middle of the emptiest rows around the border of two bands."""
    inked = layout.text.sum(axis=1)
    reach = layout.cells(_CUT_INCHES)
    first = max(before.top + 1, before.bottom - reach)
    end = min(after.bottom, max(after.top + reach, first + 1))
    near = inked[first:end]
    empty = runs(near == near.min())
    longest = max(empty, key=lambda run: run[1] - run[0])
    return first + (longest[0] + longest[1]) // 2


def _holds_text(inked: Mask, thin: int) -> bool:
    return any(end - first > thin for first, end in runs(inked))
