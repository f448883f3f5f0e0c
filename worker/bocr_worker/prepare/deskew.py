"""`deskew`: a page scanned a few degrees askew is turned until its lines lie level.

The angle is the one at which the ink's lower edges gather in the fewest rows (the projection profile of
Postl, US patent 4,723,297): the edges of a text line pile up in one row when the page is level. Edges are
sheared, not the image, so that a search of 50 angles takes a few milliseconds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.prepare.ink import as_image, find_ink
from bocr_worker.render.page import Placement

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_DEGREES = 5.0
_COARSE_DEGREES = 0.25
_FINE_DEGREES = 0.05

_LEAST_DEGREES = 0.2
"""A line of 17 cm then climbs 0.6 mm, a fifth of a line's height: engines do not mind."""

_SEARCH_DPI = 75.0
_MOST_EDGES = 60_000
_LEAST_EDGES = 400
"""Fewer lower edges than a line or two of text: no angle can be told from them."""

_LEAST_PEAK = 1.25
"""How much better than the middling angle the best must be; pages of pictures and stains reach 1.1."""

_LEAST_GAIN = 1.05
"""And how much better than leaving the page as it is."""


def find_skew(piece: Piece, dpi: float) -> float:
    """Degrees by which lines fall to the right (positive) or rise (negative); 0 where it cannot be told."""
    ink = find_ink(piece.pixels, dpi, _SEARCH_DPI)
    edges = ink.mask[:-1] & ~ink.mask[1:]
    rows, columns = np.nonzero(edges)
    if rows.size < _LEAST_EDGES:
        return 0.0
    if rows.size > _MOST_EDGES:
        keep = np.linspace(0, rows.size - 1, _MOST_EDGES).astype(np.intp)
        rows, columns = rows[keep], columns[keep]
    down, right = rows.astype(np.float64), columns.astype(np.float64)
    coarse = np.arange(-MOST_DEGREES, MOST_DEGREES + 1e-9, _COARSE_DEGREES)
    scores = _scores(down, right, coarse)
    best = float(coarse[scores.argmax()])
    if scores.max() < _LEAST_PEAK * float(np.median(scores)) or abs(best) >= MOST_DEGREES:
        return 0.0
    fine = best + np.arange(-_COARSE_DEGREES, _COARSE_DEGREES + 1e-9, _FINE_DEGREES)
    fine_scores = _scores(down, right, np.append(fine, 0.0))
    found = float(fine[fine_scores[:-1].argmax()])
    gain = fine_scores[:-1].max() / fine_scores[-1]
    return found if abs(found) >= _LEAST_DEGREES and gain >= _LEAST_GAIN else 0.0


def _scores(
    down: npt.NDArray[np.float64], right: npt.NDArray[np.float64], degrees: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """For each angle the sum of squares of the edges' profile."""
    reach = math.ceil(float(right.max()) * math.tan(math.radians(MOST_DEGREES + _COARSE_DEGREES))) + 1
    rows = int(down.max()) + 2 * reach + 2
    scores = []
    for angle in degrees:
        level = down - right * math.tan(math.radians(float(angle))) + reach
        profile = np.bincount(level.astype(np.intp), minlength=rows).astype(np.float64)
        # Neighbouring rows are taken together, or an edge between two rows would count for half.
        scores.append(float((profile[1:] + profile[:-1]) @ (profile[1:] + profile[:-1])))
    return np.asarray(scores)


def levelled(piece: Piece, degrees: float, paper: int) -> Piece:
    """The piece turned back by `degrees`, grown so that no corner is lost, the new corners filled with
    paper."""
    width, height = piece.width_px, piece.height_px
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    new_width = math.ceil(width * cosine + height * abs(sine))
    new_height = math.ceil(height * cosine + width * abs(sine))
    # Pixels of the new image to pixels of the old: turned about the two centres.
    across = width / 2 - cosine * new_width / 2 + sine * new_height / 2
    along = height / 2 - sine * new_width / 2 - cosine * new_height / 2
    turned = as_image(piece.pixels).transform(
        (new_width, new_height),
        Image.Transform.AFFINE,
        (cosine, -sine, across, sine, cosine, along),
        Image.Resampling.BICUBIC,
        fillcolor=paper,
    )
    inner = Placement(
        a=cosine * new_width / width,
        b=-sine * new_height / width,
        c=across / width,
        d=sine * new_width / height,
        e=cosine * new_height / height,
        f=along / height,
    )
    return piece.moved(np.asarray(turned), inner)


def _deskew(piece: Piece, context: Context) -> tuple[Piece, ...] | None:
    degrees = find_skew(piece, context.dpi)
    if degrees == 0.0:
        return None
    paper = find_ink(piece.pixels, context.dpi, _SEARCH_DPI).paper
    return (levelled(piece, degrees, paper),)


STEP = Step("deskew", "turn until lines lie level", _deskew)
