"""Where the ink is, on a reduced image: what the steps look at before they touch the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bocr_worker.render.facts import levels_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from bocr_worker.render.drawn import Pixels

    Mask = npt.NDArray[np.bool_]


_MOST_CELLS = 3_000_000
"""A newspaper's page is looked at more coarsely than a book's, or it would take seconds."""


@dataclass(frozen=True)
class Ink:
    """`mask` is true where a cell of `factor` x `factor` pixels holds ink; `dpi` is the mask's resolution;
    `paper` the grey level of the page around it."""

    mask: Mask
    factor: int
    dpi: float
    paper: int


def find_ink(pixels: Pixels, dpi: float, wanted_dpi: float, *, thin_strokes: bool = False) -> Ink:
    """The ink at `wanted_dpi` or somewhat above. A cell is ink by its mean, so that dust disappears; with
    `thin_strokes` it needs only half the contrast, so that hairlines stay."""
    factor = max(1, int(dpi / wanted_dpi + 0.01), math.ceil(math.sqrt(pixels.size / _MOST_CELLS)))
    levels = levels_of(pixels)
    threshold = levels.threshold
    if thin_strokes:
        threshold += (levels.paper - threshold) // 2
    reduced = np.asarray(as_image(pixels).reduce(factor)) if factor > 1 else pixels
    mask = reduced >= threshold if levels.inverted else reduced <= threshold
    return Ink(mask, factor, dpi / factor, levels.paper)


def as_image(pixels: Pixels) -> Image.Image:
    """As a Pillow image, without a copy where the rows lie one after the other."""
    whole = np.ascontiguousarray(pixels)
    return Image.frombuffer("L", (whole.shape[1], whole.shape[0]), whole, "raw", "L", 0, 1)
