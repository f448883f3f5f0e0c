"""The size to which a model's own processor brings an image: needed where its places are in those pixels."""

from __future__ import annotations

import math

Size = tuple[int, int]
"""Width and height in pixels."""


def snapped_size(size: Size, factor: int, least_pixels: int, most_pixels: int) -> Size:
    """Both sides multiples of `factor`, the area between the two bounds, the shape nearly kept: what
    `smart_resize` of Qwen's processors does (transformers, models/qwen2_vl/image_processing_qwen2_vl.py)."""
    sides = [max(1, side) for side in size]
    snapped = [max(factor, round(side / factor) * factor) for side in sides]
    area = sides[0] * sides[1]
    if snapped[0] * snapped[1] > most_pixels:
        shrink = math.sqrt(area / most_pixels)
        snapped = [max(factor, math.floor(side / shrink / factor) * factor) for side in sides]
    elif snapped[0] * snapped[1] < least_pixels:
        grow = math.sqrt(least_pixels / area)
        snapped = [math.ceil(side * grow / factor) * factor for side in sides]
    return snapped[0], snapped[1]
