"""The order for one page's image, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bocr_worker.engines.base import PageImage
from bocr_worker.protocol.facts import ImageFacts
from bocr_worker.protocol.recognition import Box


@dataclass(frozen=True)
class RenderOrder:
    """`dpi` is wanted; raised where a side would have less than `least_side_px`, and lowered so that no image
    exceeds `max_pixels`. `right_to_left` decides which
    column comes first. `ahead`: files (render/ahead.py) that may hold the page as it would be drawn."""

    path: str
    kind: str
    page: int
    dpi: float
    max_pixels: int
    preparations: tuple[str, ...] = ()
    right_to_left: bool = False
    ahead: tuple[str, ...] = ()
    least_side_px: int = 0


@dataclass(frozen=True)
class Placement:
    """How a prepared image lies on the page: an affine map from image fractions to page fractions,
    X = a*x + b*y + c and Y = d*x + e*y + f (x, y in 0..1 of the image; X, Y in 0..1 of the page)."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    def box(self, box: Box) -> Box:
        """The upright box on the page that holds `box` of the image, clipped to the page."""
        x0, y0, x1, y1 = box
        corners = [(x0, y0), (x1, y0), (x0, y1), (x1, y1)]
        xs = [min(1.0, max(0.0, self.a * x + self.b * y + self.c)) for x, y in corners]
        ys = [min(1.0, max(0.0, self.d * x + self.e * y + self.f)) for x, y in corners]
        return (min(xs), min(ys), max(xs), max(ys))

    def after(self, inner: Placement) -> Placement:
        """The map that first applies `inner` (image to intermediate), then this one (to the page)."""
        return Placement(
            a=self.a * inner.a + self.b * inner.d,
            b=self.a * inner.b + self.b * inner.e,
            c=self.a * inner.c + self.b * inner.f + self.c,
            d=self.d * inner.a + self.e * inner.d,
            e=self.d * inner.b + self.e * inner.e,
            f=self.d * inner.c + self.e * inner.f + self.f,
        )


@dataclass(frozen=True)
class PreparedImage:
    """An encoded image for the engine and where it lies on the page."""

    image: PageImage
    placement: Placement


@dataclass(frozen=True)
class RenderedPage:
    """`images` is empty for a blank page; `applied` names the preparations that changed something.
    `render_hash` identifies renderer, resolution and preparations, for the provenance."""

    facts: ImageFacts
    images: tuple[PreparedImage, ...]
    applied: tuple[str, ...] = ()
    render_hash: str = ""
    seconds: float = 0.0


class RenderFailed(Exception):
    """The page cannot be drawn: becomes the class `render`. `cause` is a sentence, `detail` the evidence."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.cause, self.detail))


class RendererCrashed(RenderFailed):
    """The process that drew the page ended: by the page's doing, or by a signal to the whole job."""
