"""`upright`: a page whose lines run up and down is turned by 90 degrees.

Lines of text make the row profile of a small window rough; columns of letters, which do not stand in line,
leave its column profile smooth. On a page that lies on its side it is the other way round. This tells level
lines from upright ones and nothing more: it cannot know whether a page stands on its head, nor whether a
lying page's top is at the left or at the right. It turns clockwise, because printers set a wide table with
its head at the left edge; where that was wrong, `rotate-270` is the other answer. Of 178 pages turned by
hand it found 136, and it turned none that stood upright.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.prepare.deskew import find_skew, levelled
from bocr_worker.prepare.ink import as_image, find_ink
from bocr_worker.prepare.morphology import joined
from bocr_worker.prepare.rules import take_apart
from bocr_worker.prepare.turns import turned

if TYPE_CHECKING:
    import numpy.typing as npt

    from bocr_worker.prepare.ink import Mask

_SEARCH_DPI = 75.0
_WINDOW_INCHES = 1.0
_GAP_INCHES = 0.2
_LEAST_FILL = 0.6
"""Share of a window that its text covers once gaps between words and lines are closed. What covers less is a
narrow column of numbers or a title, as rough across as it is down."""

_MOST_INK = 0.5
"""A window with more is a picture or a scanner's border."""

_LEAST_WINDOWS = 4
_LEAST_RATIO = 1.6
"""How much rougher columns must be than rows. Level pages of gazettes have 0.1 to 1.1 (see the tests)."""


def lying_ratio(piece: Piece, dpi: float) -> float:
    """Roughness of columns over roughness of rows: below 1 for level lines, above for upright ones, 1 where
    it cannot be told.

    A page askew blurs both, so it is looked at twice, levelled as if its lines ran across and as if they ran
    up; the clearer answer counts.
    """
    factor = max(1, int(dpi / _SEARCH_DPI + 0.01))
    small = Piece(np.asarray(as_image(piece.pixels).reduce(factor)))
    level = _log_ratio(small, dpi / factor)
    upright = -_log_ratio(turned(small, 90), dpi / factor)
    return math.exp(max(level, upright, key=abs))


def _log_ratio(piece: Piece, dpi: float) -> float:
    degrees = find_skew(piece, dpi)
    if degrees:
        piece = levelled(piece, degrees, find_ink(piece.pixels, dpi, dpi).paper)
    mask = find_ink(piece.pixels, dpi, dpi).mask
    ruled = take_apart(mask, dpi)
    text = mask & ~ruled.upright & ~ruled.level
    gap = max(1, round(_GAP_INCHES * dpi))
    blocks = joined(joined(text, gap, 0), gap, 1)
    side = max(8, round(_WINDOW_INCHES * dpi))
    found = [
        math.log(_roughness(window.sum(axis=0)) / _roughness(window.sum(axis=1)))
        for window, block in zip(_windows(text, side), _windows(blocks, side), strict=True)
        if block.mean() >= _LEAST_FILL and window.mean() <= _MOST_INK
    ]
    return float(np.median(found)) if len(found) >= _LEAST_WINDOWS else 0.0


def _windows(mask: Mask, side: int) -> list[Mask]:
    rows, columns = mask.shape
    step = side // 2
    return [
        mask[top : top + side, left : left + side]
        for top in range(0, max(1, rows - side + 1), step)
        for left in range(0, max(1, columns - side + 1), step)
    ]


def _roughness(profile: npt.NDArray[np.intp]) -> float:
    steps = np.diff(profile.astype(np.float64))
    return float(steps @ steps) + 1.0


def _upright(piece: Piece, context: Context) -> tuple[Piece, ...] | None:
    if lying_ratio(piece, context.dpi) < _LEAST_RATIO:
        return None
    return (turned(piece, 90),)


STEP = Step("upright", "turn a page whose lines run up and down", _upright)
