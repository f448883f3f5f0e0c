"""The function that runs inside a render child: one order in, one page out.

Nothing heavy is imported at the top, so that the parent may import this module too.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import replace
from functools import lru_cache

from bocr_worker.render import ahead
from bocr_worker.render.page import PreparedImage, RenderedPage, RenderFailed, RenderOrder

RENDER_VERSION = 1
"""Raised when the same order would give other pixels, so that provenance tells old renderings from new."""


def set_up(_: object = None) -> str:
    """Load what drawing needs, once a process; returns the renderer's version. Raises ImportError."""
    from bocr_worker.prepare import registry
    from bocr_worker.render import encode, facts, images, pdf  # noqa: F401

    registry.all_steps()
    return renderer_version()


def render_page(order: RenderOrder) -> RenderedPage:
    """Draw, measure, prepare and encode one page, or take it as it was drawn before. Raises RenderFailed
    with a plain sentence."""
    begun = time.perf_counter()
    from bocr_worker.prepare import chain
    from bocr_worker.render import encode, facts, images, missing, pdf

    for base in () if order.preparations else order.ahead:
        with contextlib.suppress(ahead.NotAhead):
            return replace(ahead.read(base, order.max_pixels), seconds=_since(begun))
    source = images if order.kind == "image" else pdf
    drawn = source.draw(order)
    try:
        measured = facts.measure(drawn)
        if order.kind == "pdf" and measured.ink < missing.SPARSE_INK:
            pdf.check_images(order, drawn, blank=measured.blank)
        if measured.blank:
            return RenderedPage(measured, (), (), render_hash(order, drawn.dpi), _since(begun))
        pieces, applied = chain.prepare(drawn, order, measured)
        prepared = tuple(
            PreparedImage(encode.encode(piece.pixels, drawn.dpi, scan=measured.scan), piece.placement)
            for piece in pieces
        )
    except MemoryError:
        raise RenderFailed("preparing the page needs more memory than it may use", "MemoryError") from None
    return RenderedPage(measured, prepared, applied, render_hash(order, drawn.dpi), _since(begun))


def render_hash(order: RenderOrder, dpi: float) -> str:
    """Sixteen hexadecimal digits that name renderer, resolution and preparations."""
    return _digest(order.kind, round(dpi, 1), order.preparations, order.right_to_left)


@lru_cache(maxsize=256)
def _digest(kind: str, dpi: float, preparations: tuple[str, ...], right_to_left: bool) -> str:
    parts = (renderer_version(), kind, dpi, preparations, right_to_left and "columns" in preparations)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@lru_cache(maxsize=1)
def renderer_version() -> str:
    """What draws: this module's version, pdfium's and Pillow's."""
    import PIL
    from pypdfium2.version import PDFIUM_INFO

    return f"bocr {RENDER_VERSION}, pdfium {PDFIUM_INFO.build}, pillow {PIL.__version__}"


def _since(begun: float) -> float:
    return time.perf_counter() - begun
