"""Where content and rules lie on a page, and whether a band of it is two columns of prose or a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bocr_worker.prepare.morphology import grown, holding, joined
from bocr_worker.prepare.rules import take_apart

if TYPE_CHECKING:
    from bocr_worker.prepare.ink import Mask

GUTTER_INCHES = 0.06
"""A clear strip of 1.5 mm: beside a rule old gazettes leave no more."""

_BARE_GUTTER_INCHES = 0.1
"""Without a rule it takes 2.5 mm: words of a justified line stand nearly as far apart."""

_LEAST_SPAN_INCHES = 0.65
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

_LEAST_SIDE = 0.25
_EDGE_INCHES = 0.15
_BOX_SHARE = 0.4
"""A band framed by rules is a row of a table, unless it takes this share of the page: then it is the page's
own frame."""


@dataclass(frozen=True)
class Layout:
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


def lay_out(mask: Mask, dpi: float) -> Layout | None:
    """None where there is no text, or hardly two inches of it across."""
    ruled = take_apart(mask, dpi)
    weight = np.cumsum(ruled.text.sum(axis=0))
    if weight[-1] == 0:
        return None
    left, right = (int(np.searchsorted(weight, share * weight[-1])) for share in (0.01, 0.99))
    if right - left < 2 * dpi:
        return None
    return Layout(ruled.text | ruled.level, ruled.upright, ruled.level, left, right + 1, dpi)


def is_columns(layout: Layout, band: tuple[int, int], column: int) -> bool:
    """Are these rows (first, one past the last), parted at this column, two columns of text side by side?"""
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


def _is_ruled(layout: Layout, band: tuple[int, int], column: int) -> bool:
    """Does a rule run along the gutter?"""
    near = layout.cells(0.1)
    return _runs_along(layout, band, column - near, column + near)


def _is_framed(layout: Layout, band: tuple[int, int]) -> bool:
    """Does a rule run along the left or the right edge of the content?"""
    outside, inside = layout.cells(0.3), layout.cells(_EDGE_INCHES)
    return _runs_along(layout, band, layout.left - outside, layout.left + inside) or _runs_along(
        layout, band, layout.right - inside, layout.right + outside
    )


def _runs_along(layout: Layout, band: tuple[int, int], first: int, last: int) -> bool:
    strip = layout.upright[band[0] : band[1], max(0, first) : max(0, last) + 1]
    return bool(strip.any(axis=1).mean() >= _RULED_SHARE)


def _is_table(layout: Layout, band: tuple[int, int], column: int) -> bool:
    """Upright rules elsewhere than in the gutter and at the edges, or a frame around the band alone."""
    inside, near = layout.cells(_EDGE_INCHES), layout.cells(0.1)
    rows = layout.upright[band[0] : band[1]]
    tall = rows.mean(axis=0) >= _RULED_SHARE
    tall[max(0, column - near) : column + near + 1] = False
    return bool(tall[layout.left + inside : layout.right - inside].any()) or _is_boxed(layout, band)


def _clear_width(layout: Layout, band: tuple[int, int], column: int) -> int:
    """Cells without any ink, in all rows of the band, around the gutter's middle."""
    inked = holding(layout.text[band[0] : band[1]], 0)
    before, after = np.flatnonzero(inked[:column]), np.flatnonzero(inked[column:])
    first = int(before[-1]) + 1 if before.size else 0
    return (column + int(after[0]) if after.size else inked.size) - first


def _fill(layout: Layout, side: Mask) -> float:
    """How much of the column's width the better rows cover, words and lines joined."""
    covered = joined(grown(side, layout.cells(_LINE_GAP_INCHES) // 2, 0), layout.cells(_WORD_GAP_INCHES), 1)
    rows = covered[holding(covered, 1)]
    return float(np.quantile(rows.mean(axis=1), _FULL_ROWS)) if rows.size else 0.0


def _is_boxed(layout: Layout, band: tuple[int, int]) -> bool:
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
