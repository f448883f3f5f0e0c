"""`halves`: a page of one column becomes its upper and its lower half, cut between two lines near the middle.

For what was too much for one answer, where there are no columns to part. A page with anything that may be a
gutter (two columns that `columns` was not sure of, a table) stays whole: halves of it would be read in the
wrong order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.prepare.gutter import may_have_gutter
from bocr_worker.prepare.ink import find_ink
from bocr_worker.prepare.morphology import holding, runs

if TYPE_CHECKING:
    from bocr_worker.prepare.ink import Mask

_SEARCH_DPI = 100.0
"""Between two lines of print there are two cells and more without ink."""

_MIDDLE = (0.3, 0.7)
"""Where in the height of the page's content the cut may lie."""

_LEAST_INCHES = 3.0
"""Content this tall at least: less is not too much for one answer."""

_WHOLE_PAGE = 0.9
"""A piece that takes less of the page was cut already."""


def _halves(piece: Piece, context: Context) -> tuple[Piece, ...] | None:
    place = piece.placement
    if abs(place.a * place.e - place.b * place.d) < _WHOLE_PAGE:
        return None
    ink = find_ink(piece.pixels, context.dpi, _SEARCH_DPI, thin_strokes=True)
    if may_have_gutter(ink.mask, ink.dpi):
        return None
    row = _between_lines(ink.mask, ink.dpi)
    if row is None:
        return None
    cut = row * ink.factor
    return (piece.cut(0, 0, piece.width_px, cut), piece.cut(0, cut, piece.width_px, piece.height_px))


def _between_lines(mask: Mask, dpi: float) -> int | None:
    """The middle of the widest gap near the middle of the content: between two paragraphs, where there is
    such a gap. None where ink is everywhere."""
    inked = holding(mask, 1)
    rows = np.flatnonzero(inked)
    if rows.size == 0 or rows[-1] - rows[0] < _LEAST_INCHES * dpi:
        return None
    first, last = (int(rows[0] + share * (rows[-1] - rows[0])) for share in _MIDDLE)
    gaps = [(top + first, bottom + first) for top, bottom in runs(np.logical_not(inked[first:last]))]
    if not gaps:
        return None
    middle = (first + last) / 2
    top, bottom = max(gaps, key=lambda gap: (gap[1] - gap[0], -abs(sum(gap) / 2 - middle)))
    return (top + bottom) // 2


STEP = Step("halves", "a page without columns in two, one above the other", _halves)
