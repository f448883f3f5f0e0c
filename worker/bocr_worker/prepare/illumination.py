"""`illumination`: uneven paper becomes white, faded ink becomes dark.

Paper is estimated as the brightest level around each place, ink apart, and divided out; then the levels are
stretched between the darkest ink and the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.prepare.ink import as_image

if TYPE_CHECKING:
    import numpy.typing as npt

    from bocr_worker.render.drawn import Pixels

_SEARCH_DPI = 50.0
_REACH_INCHES = 0.16
"""Wider than a stroke of body text and than the gap between lines: ink is overlooked, paper is found."""

_SMOOTH_INCHES = 0.2
_LEAST_SHARE = 0.6
"""Paper is nowhere taken to be darker than this share of the page's own: below it lies a picture, a stamp or
a scanner's border, which must stay dark."""

_DARK_SHARE, _LIGHT_SHARE = 0.005, 0.5
"""The shares of pixels whose levels become black and white. Half of any page of text is bare paper."""

_EVEN_LEVELS = 8.0
_WHITE_PAPER = 240
_BLACK_INK = 60
"""Paper that varies by less, is lighter and carries darker ink is left as it is."""


def paper_levels(pixels: Pixels, dpi: float) -> npt.NDArray[np.uint8]:
    """The level of bare paper around each place, at about _SEARCH_DPI."""
    factor = max(1, round(dpi / _SEARCH_DPI))
    small_dpi = dpi / factor
    reduced = as_image(pixels).reduce(factor)
    reach = max(3, int(_REACH_INCHES * small_dpi) | 1)
    # A median first, so that a bright speck does not spread.
    brightest = reduced.filter(ImageFilter.MedianFilter(3)).filter(ImageFilter.MaxFilter(reach))
    smooth = brightest.filter(ImageFilter.MinFilter(reach)).filter(
        ImageFilter.GaussianBlur(_SMOOTH_INCHES * small_dpi)
    )
    levels = np.asarray(smooth)
    least = int(_LEAST_SHARE * float(np.median(levels)))
    return np.asarray(np.maximum(levels, np.uint8(max(1, least))))


def _illuminate(piece: Piece, context: Context) -> tuple[Piece, ...] | None:
    paper = paper_levels(piece.pixels, context.dpi)
    ink = float(np.quantile(piece.pixels[::5, ::5], _DARK_SHARE))
    spread = float(np.quantile(paper, 0.95) - np.quantile(paper, 0.05))
    if spread < _EVEN_LEVELS and float(np.median(paper)) >= _WHITE_PAPER and ink <= _BLACK_INK:
        return None
    full = Image.fromarray(paper).resize((piece.width_px, piece.height_px), Image.Resampling.BILINEAR)
    ground = np.asarray(full)
    # 0..255 of the paper's own level, in sixteen bits, which is four times as fast as floats.
    ratio = np.multiply(piece.pixels, np.uint16(255), dtype=np.uint16) // np.maximum(ground, 1)
    even = np.minimum(ratio, 255).astype(np.uint8)
    return (Piece(_stretch(even)[even], piece.placement),)


def _stretch(even: Pixels) -> npt.NDArray[np.uint8]:
    """The table of levels that makes the darkest ink black and half of the page white."""
    sample = even[::5, ::5]
    low, high = (float(np.quantile(sample, share)) for share in (_DARK_SHARE, _LIGHT_SHARE))
    low = min(low, high - 32)
    table = (np.arange(256) - low) * (255.0 / (high - low))
    return np.clip(np.round(table), 0, 255).astype(np.uint8)


STEP = Step("illumination", "even out the paper and darken faded ink", _illuminate)
