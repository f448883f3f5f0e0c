"""A page drawn as grey pixels, and the arithmetic of how large it may be. Imported in children and tests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_worker.render.page import RenderFailed

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]
    """Grey levels, rows x columns, 0 black and 255 white."""

POINTS_PER_INCH = 72.0

LONGEST_SIDE_PX = 32_000
"""Tesseract takes no side above 32,767 pixels and JPEG none above 65,535."""

LEAST_DPI = 10.0
"""Where the cap forces a page below this resolution nothing on it can be read, not even a headline: an
empty drawing would pass for a blank page, so the page fails instead."""


@dataclass(frozen=True)
class Drawn:
    """A page's grey pixels as displayed, at `dpi`; `capped` where the pixel cap lowered what was asked."""

    pixels: Pixels
    dpi: float
    capped: bool


@dataclass(frozen=True)
class Fit:
    """The resolution to draw at and the image it gives."""

    dpi: float
    width_px: int
    height_px: int
    capped: bool


def fit(width_pt: float, height_pt: float, dpi: float, max_pixels: int, least_side_px: int = 0) -> Fit:
    """The highest resolution up to `dpi` whose image, each side rounded up, has at most `max_pixels` pixels
    and no side above LONGEST_SIDE_PX; `dpi` is first raised so that no side is below `least_side_px`. Raises
    RenderFailed for a page without area or beyond all measure."""
    sides = (width_pt, height_pt)
    if not all(math.isfinite(side) and side > 0 for side in sides):
        raise RenderFailed("the page has no area to draw", f"{width_pt:g} x {height_pt:g} pt")
    dpi = max(dpi, least_side_px * POINTS_PER_INCH / min(sides))
    scale = min(
        dpi / POINTS_PER_INCH,
        math.sqrt(max_pixels / (width_pt * height_pt)),
        LONGEST_SIDE_PX / max(sides),
    )
    width_px, height_px = _ceil(width_pt * scale), _ceil(height_pt * scale)
    while width_px * height_px > max_pixels and max(width_px, height_px) > 1:
        scale *= 0.999
        width_px, height_px = _ceil(width_pt * scale), _ceil(height_pt * scale)
    given = scale * POINTS_PER_INCH
    capped = given < dpi * (1 - 1e-9)
    if capped and given < LEAST_DPI:
        raise RenderFailed(
            f"the page is {width_pt / POINTS_PER_INCH:,.0f} by {height_pt / POINTS_PER_INCH:,.0f} inches: "
            f"within {max_pixels:,} pixels nothing on it could be read",
            f"{given:.3g} dpi",
        )
    return Fit(given, width_px, height_px, capped)


def _ceil(value: float) -> int:
    # Less the rounding of a size that went from pixels to points and back.
    return max(1, math.ceil(value - 1e-6))
