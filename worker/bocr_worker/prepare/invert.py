"""`invert`: a page that is light on dark becomes dark on light."""

from __future__ import annotations

import numpy as np

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.render.facts import is_inverted


def _invert(piece: Piece, _: Context) -> tuple[Piece, ...] | None:
    if not is_inverted(piece.pixels):
        return None
    return (Piece(np.subtract(255, piece.pixels, dtype=np.uint8), piece.placement),)


STEP = Step("invert", "light on dark to dark on light", _invert)
