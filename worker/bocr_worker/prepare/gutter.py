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

from bocr_worker.prepare.morphology import grown, holding, joined, runs
from bocr_worker.prepare.rules import take_apart

if TYPE_CHECKING:
    from bocr_worker.prepare.ink import Mask

GUTTER_INCHES = 0.06
"""A clear strip of 1.5 mm: beside a rule old gazettes leave no more."""

_BARE_GUTTER_INCHES = 0.1
"""Without a rule it takes 2.5 mm: words of a justified line stand nearly as far apart."""

_MIDDLE = (0.33, 0.67)
"""Where in the width of the page's content the gutter may lie."""

_LEAST_BAND_INCHES = 0.8
_LEAST_SPAN_INCHES = 0.65
_LEAST_TOTAL_INCHES = 1.6
_LEAST_INKED_INCHES = 0.5
"""Five lines side by side are columns, and inked on half an inch; fewer are a signature block, a heading with
a date, or the ends of a few paragraphs far apart."""

_WORD_GAP_INCHES = 0.12
_LINE_GAP_INCHES = 0.08
_FULL_ROWS = 0.7
_LEAST_FILL = 0.7
"""Prose, words joined, fills its column from edge to edge in the better rows, of which there are three in ten
even in short paragraphs; cells of a table, lists and forms leave gaps in every row."""

_RULED_FILL = 0.15
_RULED_SHARE = 0.6
"""Beside a rule that runs along this share of the gutter, columns may hold headings and lists too."""

_CUT_INCHES = 0.08
_MOST_CUT = 0.02
"""A cut across the page goes through the emptiest row this near, and through at most this share of ink:
where columns and headings do not end at one height, as on a page askew, nothing is cut."""

_LEAST_SIDE = 0.25
_THIN_INCHES = 0.06
_SPECK_INCHES = 0.05
_EDGE_INCHES = 0.15
_BOX_SHARE = 0.4
"""A band framed by rules is a row of a table, unless it takes this share of the page: then it is the page's
own frame."""


@dataclass(frozen=True)
class Band:
    """Rows of the mask, the last excluded. `gutter` is the column to cut at, None for a whole band."""

    top: int
    bottom: int
    gutter: int | None = None


@dataclass(frozen=True)
class _Layout:
    """`text` is the ink without upright rules (level ones are in it), `upright` and `level` the rules, `left`
    to `right` the columns between which the content lies."""

    text: Mask
    upright: Mask
    level: Mask
    left: int
    right: int
    dpi: float

    def cells(self, inches: float) -> int:
        return max(1, round(inches * self.dpi))

    @property
    def width(self) -> int:
        return self.right - self.left


def find_bands(mask: Mask, dpi: float) -> tuple[Band, ...]:
    """The bands from top to bottom, which together are the whole mask; one whole band where there are no two
    columns."""
    whole = (Band(0, mask.shape[0]),)
    layout = _layout(mask, dpi)
    if layout is None:
        return whole
    column = _best_column(layout)
    if column is None:
        return whole
    parted = [band for band in _clear_bands(layout, column) if _is_columns(layout, band, column)]
    if sum(bottom - top for top, bottom in parted) < layout.cells(_LEAST_TOTAL_INCHES):
        return whole
    return _tile(layout, parted, column)


def _layout(mask: Mask, dpi: float) -> _Layout | None:
    ruled = take_apart(mask, dpi)
    weight = np.cumsum(ruled.text.sum(axis=0))
    if weight[-1] == 0:
        return None
    left, right = (int(np.searchsorted(weight, share * weight[-1])) for share in (0.01, 0.99))
    if right - left < 2 * dpi:
        return None
    return _Layout(ruled.text | ruled.level, ruled.upright, ruled.level, left, right + 1, dpi)


def _clear(layout: _Layout) -> Mask:
    """Set where a strip of a gutter's width around the cell holds no ink."""
    return np.logical_not(grown(layout.text, max(1, layout.cells(GUTTER_INCHES) // 2), 1))


def _best_column(layout: _Layout) -> int | None:
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


def _clear_bands(layout: _Layout, column: int) -> list[tuple[int, int]]:
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


def _is_columns(layout: _Layout, band: tuple[int, int], column: int) -> bool:
    top, bottom = band
    if _is_table(layout, band, column):
        return False
    ruled = _is_ruled(layout, band, column) and not _is_framed(layout, band)
    if not ruled and _clear_width(layout, band, column) < layout.cells(_BARE_GUTTER_INCHES):
        return False
    sides = (layout.text[top:bottom, layout.left : column], layout.text[top:bottom, column : layout.right])
    for side in sides:
        inked = np.flatnonzero(side.any(axis=1))
        if inked.size < layout.cells(_LEAST_INKED_INCHES) or np.ptp(inked) < layout.cells(_LEAST_SPAN_INCHES):
            return False
        if side.shape[1] < _LEAST_SIDE * layout.width:
            return False
        if _fill(layout, side) < (_RULED_FILL if ruled else _LEAST_FILL):
            return False
    return True


def _is_ruled(layout: _Layout, band: tuple[int, int], column: int) -> bool:
    """Does a rule run along the gutter?"""
    near = layout.cells(0.1)
    return _runs_along(layout, band, column - near, column + near)


def _is_framed(layout: _Layout, band: tuple[int, int]) -> bool:
    """Does a rule run along the left or the right edge of the content?"""
    outside, inside = layout.cells(0.3), layout.cells(_EDGE_INCHES)
    return _runs_along(layout, band, layout.left - outside, layout.left + inside) or _runs_along(
        layout, band, layout.right - inside, layout.right + outside
    )


def _runs_along(layout: _Layout, band: tuple[int, int], first: int, last: int) -> bool:
    strip = layout.upright[band[0] : band[1], max(0, first) : max(0, last) + 1]
    return bool(strip.any(axis=1).mean() >= _RULED_SHARE)


def _is_table(layout: _Layout, band: tuple[int, int], column: int) -> bool:
    """Upright rules elsewhere than in the gutter and at the edges, or a frame around the band alone."""
    inside, near = layout.cells(_EDGE_INCHES), layout.cells(0.1)
    rows = layout.upright[band[0] : band[1]]
    tall = rows.mean(axis=0) >= _RULED_SHARE
    tall[max(0, column - near) : column + near + 1] = False
    return bool(tall[layout.left + inside : layout.right - inside].any()) or _is_boxed(layout, band)


def _clear_width(layout: _Layout, band: tuple[int, int], column: int) -> int:
    """Cells without any ink, in all rows of the band, around the gutter's middle."""
    inked = holding(layout.text[band[0] : band[1]], 0)
    before, after = np.flatnonzero(inked[:column]), np.flatnonzero(inked[column:])
    first = int(before[-1]) + 1 if before.size else 0
    return (column + int(after[0]) if after.size else inked.size) - first


def _fill(layout: _Layout, side: Mask) -> float:
    """How much of the column's width the better rows cover, words and lines joined."""
    covered = joined(grown(side, layout.cells(_LINE_GAP_INCHES) // 2, 0), layout.cells(_WORD_GAP_INCHES), 1)
    rows = covered[holding(covered, 1)]
    return float(np.quantile(rows.mean(axis=1), _FULL_ROWS)) if rows.size else 0.0


def _is_boxed(layout: _Layout, band: tuple[int, int]) -> bool:
    """Rules above, below and at an edge of a band that is not most of the page: a row of a table."""
    top, bottom = band
    content = np.flatnonzero(layout.text.any(axis=1))
    if bottom - top >= _BOX_SHARE * (content[-1] - content[0] + 1):
        return False
    near = layout.cells(0.1)
    spans = [
        layout.level[max(0, row - near) : row + near, layout.left : layout.right].any(axis=0).mean()
        for row in (top, bottom)
    ]
    return min(spans) >= 0.7 and _is_framed(layout, band)


def _tile(layout: _Layout, parted: list[tuple[int, int]], column: int) -> tuple[Band, ...]:
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
    if any(layout.text[cut].mean() > _MOST_CUT for cut in cuts):
        return (Band(0, rows),)
    return tuple(
        Band(top, bottom, band.gutter) for band, (top, bottom) in zip(bands, pairwise(edges), strict=True)
    )


def _emptiest(layout: _Layout, before: Band, after: Band) -> int:
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
