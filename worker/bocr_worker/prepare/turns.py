"""`rotate-90`, `rotate-180`, `rotate-270`: fixed turns, clockwise, for the ladder."""

from __future__ import annotations

from functools import partial

import numpy as np

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.render.page import Placement

_PLACEMENTS = {
    90: Placement(a=0, b=1, c=0, d=-1, e=0, f=1),
    180: Placement(a=-1, b=0, c=1, d=0, e=-1, f=1),
    270: Placement(a=0, b=-1, c=1, d=1, e=0, f=0),
}
"""From the turned image's fractions back to the fractions before the turn."""


def turned(piece: Piece, degrees: int) -> Piece:
    """The piece turned clockwise by 90, 180 or 270 degrees."""
    pixels = np.ascontiguousarray(np.rot90(piece.pixels, -degrees // 90))
    return piece.moved(pixels, _PLACEMENTS[degrees])


def _turn(degrees: int, piece: Piece, _: Context) -> tuple[Piece, ...]:
    return (turned(piece, degrees),)


STEPS = tuple(
    Step(f"rotate-{degrees}", f"turn by {degrees} degrees clockwise", partial(_turn, degrees))
    for degrees in _PLACEMENTS
)
