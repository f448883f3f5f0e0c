"""DEC's sixel: an image as bands six pixels high, colour by colour (VT330/VT340 Programmer Reference, 14)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

COLOURS = 24
"""Paper, ink, what is between, and the boxes; terminals have 256 registers, and bytes count."""

_RUN = re.compile(r"(.)\1{3,}")


def encoded(image: Image) -> str:
    """The sequence that draws the image where the cursor stands. Slow: run in a thread."""
    import numpy as np

    small = image.convert("RGB").quantize(COLOURS)
    palette = (small.getpalette() or [])[: COLOURS * 3]
    pixels = np.asarray(small, dtype=np.uint8)
    height, width = pixels.shape
    parts = [f'\x1bP0;1q"1;1;{width};{height}']
    for number in range(len(palette) // 3):
        red, green, blue = (round(value * 100 / 255) for value in palette[number * 3 : number * 3 + 3])
        parts.append(f"#{number};2;{red};{green};{blue}")
    weights = (1 << np.arange(6, dtype=np.uint8))[:, None]
    for top in range(0, height, 6):
        band = pixels[top : top + 6]
        rows = []
        for colour in np.unique(band):
            bits = ((band == colour) * weights[: len(band)]).sum(axis=0).astype(np.uint8) + 63
            rows.append(f"#{colour}{_packed(bits.tobytes().decode('ascii'))}")
        parts.append("$".join(rows) + "-")
    return "".join([*parts, "\x1b\\"])


def _packed(row: str) -> str:
    """Runs by their length; what follows the last drawn pixel is left out."""
    return _RUN.sub(lambda run: f"!{len(run[0])}{run[1]}", row.rstrip("?"))
