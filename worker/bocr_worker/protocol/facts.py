"""What is known of a page's image before any engine is asked."""

from __future__ import annotations

from dataclasses import dataclass

GRID_COLUMNS = 32
GRID_ROWS = 48
"""The ink grid: coarse enough to travel with every page, fine enough to see a text line's place."""


@dataclass(frozen=True)
class ImageFacts:
    """Measured on the page as displayed, at the resolution it was rendered for the engine.

    `ink` is the share of pixels darker than paper, 0..1; `bright` the share of pixels >= 245; `deviation`
    the largest standard deviation of a channel, 0..255. `blank` means that nothing at all is drawn: such a
    page is never shown to an engine. `nearly_blank` (bright > 0.99 or deviation < 8) means that an empty
    answer is believed and a long one is not. `grid` holds GRID_ROWS x GRID_COLUMNS bytes, row by row: the
    ink share of each cell times 255. `inverted` says that the page is light on dark (ink counts light).
    """

    width_px: int
    height_px: int
    dpi: float
    ink: float
    bright: float
    deviation: float
    blank: bool
    nearly_blank: bool
    grid: bytes = b""
    inverted: bool = False
    scan: bool = False
    capped: bool = False
    """True when the pixel cap lowered the resolution that was asked for."""
