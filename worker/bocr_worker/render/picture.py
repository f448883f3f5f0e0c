"""One page as a picture for a person, of bounded size: a child's task.

Nothing heavy is imported at the top, so that the parent may import this module too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bocr_worker.engines.base import PageImage
from bocr_worker.render.page import RenderFailed, RenderOrder

_LEAST_PIXELS = 100_000
"""Below that nothing could be read: then the picture may be larger than was wanted."""


@dataclass(frozen=True)
class PictureOrder:
    """What is wanted: at most so many pixels, and no more bytes than `max_bytes` if that can be had."""

    path: str
    page: int
    dpi: float
    max_pixels: int
    max_bytes: int


def draw_picture(order: PictureOrder) -> PageImage:
    """The page as displayed, grey: as PNG where it is clean, as JPEG where it is a scan or PNG would be too
    large. Raises RenderFailed."""
    from bocr_worker.probe.sniff import looks_like_image
    from bocr_worker.render import encode, facts, images, pdf

    try:
        with Path(order.path).open("rb") as stream:
            kind = "image" if looks_like_image(stream.read(64)) else "pdf"
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise RenderFailed(f"the document cannot be read: {cause}", order.path) from None
    source = images if kind == "image" else pdf
    pixels = order.max_pixels
    while True:
        drawn = source.draw(RenderOrder(order.path, kind, order.page, order.dpi, pixels))
        picture = encode.encode(drawn.pixels, drawn.dpi, scan=facts.measure(drawn).scan)
        if len(picture.encoded) > order.max_bytes:
            picture = encode.encode(drawn.pixels, drawn.dpi, scan=True)
        if len(picture.encoded) <= order.max_bytes or pixels <= _LEAST_PIXELS:
            return picture
        pixels = min(pixels, drawn.pixels.size) // 2
