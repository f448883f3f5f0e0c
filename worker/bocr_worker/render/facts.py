"""What can be measured of a page's image in well under a millisecond, before any engine is asked.

Levels are counted on some sixty thousand pixels, every n-th of every n-th row; only a page that seems
to carry no ink is looked at in full. Imports numpy and Pillow: for child processes and tests.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS, ImageFacts
from bocr_worker.render import blankness

if TYPE_CHECKING:
    import numpy.typing as npt

    from bocr_worker.render.drawn import Drawn, Pixels

SAMPLES = 60_000
"""At 1700 x 2200 pixels every eighth pixel of every eighth row: forty for each cell of the grid."""

BRIGHT = 245
"""A pixel from here up is bare paper: chandra's and olmOCR's rule for nearly blank pages."""

NEARLY_BLANK_BRIGHT = 0.99
NEARLY_BLANK_DEVIATION = 8.0

_LEVELS = np.arange(256.0)
_SQUARES = _LEVELS * _LEVELS
_NOTHING = np.zeros(5)

_DARK = 100
_LEAST_CONTRAST = 25
"""Levels that ink must be darker than paper: below that, paper grain and show-through count as ink."""

_CONTRAST_SHARE = 0.4
"""Ink begins at this share of the way from paper to the darkest ink."""

_INVERTED_SHARE = 0.6
"""A page is light on dark only when dark pixels are this large a majority…"""

_INVERTED_FILL = 0.5
"""…and its light pixels are strokes: most lie in cells that are less than half light. A page lying on a
dark table fills its cells."""

_HALO_LEVELS = 12
_SCAN_HALO = 0.03
"""Share of pixels a few levels darker than paper: grain and JPEG halos. Born-digital pages have 0.1 to 1.3%
(the edges of letters), scans 2.4 to 60% (measured on 40 real pages)."""

_SCAN_ENTROPY_BITS = 2.9
"""Of the grey levels: born-digital text has at most 2, photographs of paper from 3 up."""


@dataclass(frozen=True)
class Levels:
    """Where paper and ink lie among the grey levels. `threshold` is the last level that counts as ink, in
    the page's own sense: from it down, or from it up where the page is light on dark. On a page without ink
    it may be -1 or 256."""

    paper: int
    threshold: int
    inverted: bool


def measure(drawn: Drawn) -> ImageFacts:
    """The facts of one drawn page."""
    pixels = drawn.pixels
    sample = thin(pixels)
    counts = _histogram(sample)
    shares = counts / sample.size
    levels = find_levels(shares, sample)
    inked = sample >= levels.threshold if levels.inverted else sample <= levels.threshold
    ink = float(np.count_nonzero(inked)) / sample.size
    bright = float(shares[BRIGHT:].sum())
    deviation = _deviation(shares)
    return ImageFacts(
        width_px=pixels.shape[1],
        height_px=pixels.shape[0],
        dpi=drawn.dpi,
        ink=ink,
        bright=bright,
        deviation=deviation,
        blank=ink <= blankness.MOST_INK and blankness.is_blank(pixels, shares, drawn.dpi),
        nearly_blank=bright > NEARLY_BLANK_BRIGHT or deviation < NEARLY_BLANK_DEVIATION,
        grid=ink_grid(inked),
        inverted=levels.inverted,
        scan=_is_scan(shares, levels),
        capped=drawn.capped,
    )


def levels_of(pixels: Pixels) -> Levels:
    """Where paper and ink lie among the grey levels of any image."""
    sample = thin(pixels)
    return find_levels(_histogram(sample) / sample.size, sample)


def is_inverted(pixels: Pixels) -> bool:
    """Is this image light on dark?"""
    return levels_of(pixels).inverted


def thin(pixels: Pixels) -> Pixels:
    """Every n-th pixel of every n-th row, about SAMPLES of them, as an array of its own."""
    stride = max(1, math.ceil(math.sqrt(pixels.size / SAMPLES)))
    offset = stride // 2
    thinned = pixels[min(offset, pixels.shape[0] - 1) :: stride, min(offset, pixels.shape[1] - 1) :: stride]
    return np.ascontiguousarray(thinned)


def find_levels(shares: npt.NDArray[np.float64], sample: Pixels) -> Levels:
    """Paper is the commonest level on the paper's side of the median; ink begins part of the way from there
    to the farthest level that is more than stray pixels."""
    inverted = float(shares[:_DARK].sum()) > _INVERTED_SHARE and _light_is_strokes(shares, sample)
    side = shares[::-1] if inverted else shares
    running = side.cumsum()
    stray = max(0.0002, 20 / sample.size)
    darkest, median = (int(level) for level in running.searchsorted((stray, 0.5)))
    paper = _commonest(running, side, max(0, min(median, 255) - 8))
    threshold = max(-1, paper - max(_LEAST_CONTRAST, int(_CONTRAST_SHARE * (paper - darkest))))
    return Levels(255 - paper, 255 - threshold, True) if inverted else Levels(paper, threshold, False)


def _commonest(running: npt.NDArray[np.float64], side: npt.NDArray[np.float64], low: int) -> int:
    """The level from `low` up around which most pixels lie, nine levels taken together."""
    padded = np.concatenate((_NOTHING, running, np.broadcast_to(running[-1], 4)))
    around = padded[9:] - padded[:-9]
    middle = low + int(around[low:].argmax())
    near = side[max(0, middle - 4) : middle + 5]
    return max(0, middle - 4) + int(near.argmax())


def ink_grid(inked: npt.NDArray[np.bool_]) -> bytes:
    """The share of ink in each of GRID_ROWS x GRID_COLUMNS cells, times 255, row by row."""
    image = Image.fromarray(inked.view(np.uint8) * np.uint8(255))
    return image.resize((GRID_COLUMNS, GRID_ROWS), Image.Resampling.BOX).tobytes()


def _histogram(sample: Pixels) -> npt.NDArray[np.float64]:
    # Pillow counts bytes as they lie; numpy's bincount first widens each to eight.
    height, width = sample.shape
    image = Image.frombuffer("L", (width, height), sample, "raw", "L", 0, 1)
    return np.asarray(image.histogram(), dtype=np.float64)


def _deviation(shares: npt.NDArray[np.float64]) -> float:
    mean = float(shares @ _LEVELS)
    return math.sqrt(max(0.0, float(shares @ _SQUARES) - mean * mean))


def _light_is_strokes(shares: npt.NDArray[np.float64], sample: Pixels) -> bool:
    ground = int(shares[:_DARK].argmax())
    light = sample >= ground + _DARK
    grid = np.frombuffer(ink_grid(light), dtype=np.uint8).astype(np.float64) / 255
    total = float(grid.sum())
    if total * sample.size / grid.size < 20:
        return total > 0
    return float(grid[grid < _INVERTED_FILL].sum()) / total > 0.5


def _is_scan(shares: npt.NDArray[np.float64], levels: Levels) -> bool:
    if levels.inverted:
        shares, paper = shares[::-1], 255 - levels.paper
    else:
        paper = levels.paper
    halo = float(shares[max(0, paper - _HALO_LEVELS) : paper].sum())
    present = shares[shares > 0]
    entropy_bits = -float(present @ np.log2(present))
    return halo >= _SCAN_HALO or entropy_bits >= _SCAN_ENTROPY_BITS
