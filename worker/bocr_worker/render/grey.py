"""Any image that Pillow can open as 8-bit grey on white. Imported in children and tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import numpy.typing as npt

_DEEP = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "La": 4, "PA": 4, "I": 4, "F": 4, "RGB": 4}

_HIDDEN_LEVEL = 200
"""On white, something of which no pixel is darker than this was drawn for a dark background."""


def bytes_per_pixel(mode: str) -> int:
    """What Pillow keeps in memory for one pixel."""
    return 2 if mode.startswith("I;16") else _BYTES.get(mode, 4)


def to_grey(image: Image.Image) -> Image.Image:
    """Decode and convert, as it lies in the file. Raises what Pillow raises."""
    image.load()
    if image.mode in _DEEP:
        return Image.fromarray(_eight_bits(np.asarray(image)))
    if image.has_transparency_data:
        return Image.fromarray(_on_paper(image.convert("RGBA")))
    if image.mode == "L":
        return image
    if image.mode in ("1", "RGB"):
        return image.convert("L")
    return image.convert("RGB").convert("L")


def _eight_bits(deep: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Deep grey levels to 0..255. Whole numbers are divided by the power of two that holds the largest, since
    scanners put 10, 12 and 14 bits into 16; fractions are stretched from their least to their greatest."""
    if deep.dtype.kind == "f":
        values = np.nan_to_num(deep.astype(np.float64))
        low, high = float(values.min()), float(values.max())
        stretched = (values - low) * (255.0 / (high - low)) if high > low else np.full(deep.shape, 255.0)
        return stretched.astype(np.uint8)
    whole = np.asarray(np.maximum(deep, 0))
    shift = max(0, int(whole.max()).bit_length() - 8)
    return np.asarray(np.right_shift(whole, shift), dtype=np.uint8)


def _on_paper(image: Image.Image) -> npt.NDArray[np.uint8]:
    """Lay a transparent image on white, or on black where it would vanish on white."""
    alpha = np.asarray(image.getchannel("A"), dtype=np.uint16)
    level = np.asarray(image.convert("RGB").convert("L"), dtype=np.uint16)
    ink = level * alpha
    on_white = (ink + (255 - alpha) * np.uint16(255)) // 255
    if int(on_white.min()) >= _HIDDEN_LEVEL and int(alpha.max()) > int(alpha.min()):
        return (ink // 255).astype(np.uint8)
    return on_white.astype(np.uint8)
