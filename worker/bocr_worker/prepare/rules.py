"""Tells ruled lines from text on an ink mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_worker.prepare.morphology import grown, joined, long_runs, without_specks

if TYPE_CHECKING:
    from bocr_worker.prepare.ink import Mask

UPRIGHT_INCHES = 0.75
"""No letter is as high."""

LEVEL_INCHES = 1.5
"""No word is underlined so far; letters that touch do not run on for as long."""


@dataclass(frozen=True)
class Ruled:
    """A mask taken apart. `upright` is a cell wider than the rules on either side, since they may lean by a
    degree; `text` is the rest, without dust."""

    text: Mask
    upright: Mask
    level: Mask


def take_apart(mask: Mask, dpi: float) -> Ruled:
    """Level and upright rules, and the text without them."""
    clean = without_specks(mask)
    upright_run = max(3, round(UPRIGHT_INCHES * dpi))
    upright = grown(long_runs(joined(grown(clean, 1, 1), 2, 0), upright_run, 0), 1, 1)
    level = long_runs(joined(clean, 2, 1), max(3, round(LEVEL_INCHES * dpi)), 1)
    return Ruled(clean & ~upright & ~level, upright, level)
