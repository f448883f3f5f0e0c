"""Finds pictures that pdfium left out of a drawn page.

pdfium draws a page without an image that it cannot decode, or for which memory does not suffice, and says
nothing. On a scan the page then looks blank, and would count as read. So on a page with next to no ink, each
large image whose place is bare is decoded on its own. Imported in children and tests.
"""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pypdfium2
from pypdfium2 import raw

from bocr_worker.render.page import RenderFailed

if TYPE_CHECKING:
    from bocr_worker.render.drawn import Pixels

SPARSE_INK = 0.01
"""A page with less ink may be a page whose picture is missing: a footer, a stamp, nothing."""

_LEAST_SHARE = 0.05
"""Of the page's area: a smaller image holds no text worth a failure."""

_MOST_IMAGES = 16
_FLAT = 6
_BYTES_PER_PIXEL = 8
"""What drawing an image takes at worst: its own pixels and a converted copy."""


def check_images(page: Any, pixels: Pixels, *, blank: bool) -> None:
    """Raises RenderFailed where an image is missing from the drawn page."""
    # On a blank page images inside forms count too; their place on the page is not known.
    for image in _images(page, depth=4 if blank else 1):
        if blank or _place_is_bare(page, image, pixels):
            _check(image)


def _images(page: Any, depth: int) -> list[Any]:
    objects = page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,), max_depth=depth)
    return [image for _, image in zip(range(_MOST_IMAGES), objects, strict=False)]


def _place_is_bare(page: Any, image: Any, pixels: Pixels) -> bool:
    height_px, width_px = pixels.shape
    left_pt, bottom_pt, right_pt, top_pt = image.get_bounds()
    corners = [
        _to_pixels(page, width_px, height_px, x, y) for x, y in ((left_pt, bottom_pt), (right_pt, top_pt))
    ]
    columns = sorted(min(width_px, max(0, x)) for x, _ in corners)
    rows = sorted(min(height_px, max(0, y)) for _, y in corners)
    area = (columns[1] - columns[0]) * (rows[1] - rows[0])
    if area < _LEAST_SHARE * pixels.size:
        return False
    place = pixels[rows[0] : rows[1], columns[0] : columns[1]]
    return int(place.max()) - int(place.min()) <= _FLAT


def _to_pixels(page: Any, width_px: int, height_px: int, x_pt: float, y_pt: float) -> tuple[int, int]:
    x, y = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, width_px, height_px, 0, x_pt, y_pt, x, y)
    return x.value, y.value


def _check(image: Any) -> None:
    try:
        width_px, height_px = image.get_px_size()
        short_of_memory = width_px * height_px * _BYTES_PER_PIXEL > _spare_bytes()
        decoded = image.get_bitmap(render=False).to_numpy()
    except (pypdfium2.PdfiumError, ValueError, MemoryError):
        raise RenderFailed("a picture that should fill the page cannot be decoded") from None
    # Where memory is ample a picture that can be decoded was drawn: it is bare, covered or switched off.
    if short_of_memory and int(np.ptp(decoded)) > _FLAT:
        raise RenderFailed(
            "a picture that should fill the page was not drawn: it needs more memory than it may use",
            f"{width_px:,} x {height_px:,} px",
        )


def _spare_bytes() -> float:
    """How much more address space this process may map."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return float("inf")
    try:
        mapped_pages = int(Path("/proc/self/statm").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return float("inf")
    return limit - mapped_pages * resource.getpagesize()
