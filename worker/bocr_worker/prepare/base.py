"""What a preparation step is: a name and a function from one piece of a page to the pieces it becomes.

A new step is one file in this folder that defines `STEP` (or `STEPS`). Steps run in the render child,
between drawing and encoding, so their files may import numpy and Pillow at the top: only children and tests
import them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_worker.render.page import Placement

if TYPE_CHECKING:
    from bocr_worker.render.drawn import Pixels


WHOLE = Placement()
"""The page itself."""


@dataclass(frozen=True)
class Piece:
    """Grey pixels (rows x columns, 0 black, 255 white) and where they lie on the page."""

    pixels: Pixels
    placement: Placement = WHOLE

    @property
    def height_px(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        return int(self.pixels.shape[1])

    def cut(self, left_px: int, top_px: int, right_px: int, bottom_px: int) -> Piece:
        """The part between these edges, right and bottom excluded."""
        inner = Placement(
            a=(right_px - left_px) / self.width_px,
            c=left_px / self.width_px,
            e=(bottom_px - top_px) / self.height_px,
            f=top_px / self.height_px,
        )
        return Piece(self.pixels[top_px:bottom_px, left_px:right_px], self.placement.after(inner))

    def moved(self, pixels: Pixels, inner: Placement) -> Piece:
        """Other pixels in this piece's place; `inner` maps their fractions to this piece's."""
        return Piece(pixels, self.placement.after(inner))


@dataclass(frozen=True)
class Context:
    """What a step knows beside the pixels. `right_to_left`: the right column is read first."""

    dpi: float
    right_to_left: bool = False


@dataclass(frozen=True)
class Step:
    """One preparation. `apply` returns the pieces in reading order, or None where it leaves the piece as it
    is; `title` says in a few words what it does."""

    name: str
    title: str
    apply: Callable[[Piece, Context], tuple[Piece, ...] | None]
