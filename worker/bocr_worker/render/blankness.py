"""Is nothing at all drawn on this page? Asked in full resolution, and answered yes only when certain.

A blank page is never shown to an engine, so a wrong yes loses text for good, while a wrong no costs one
question. What may lie on a blank page is paper grain and a scanner's few specks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from bocr_worker.render.drawn import Pixels

MOST_INK = 0.0005
"""Above this share of ink in the sample a page is not worth the full look: a page number alone has less."""

_FLAT = 3
"""Levels by which flat paper may vary: rounding, not drawing."""

_MOST_GRAIN = 4.0
"""Standard deviation of paper grain above which the full look is not trusted at all: faint writing on rough
paper would drown in it."""

_MOST_DELTA = 24
"""A pixel this many levels off the paper counts as drawn however rough the paper is."""

_SPECK_INCHES = 0.025
"""A speck of dust is at most this long, 0.6 mm: smaller than a hyphen, a digit or any part of a rule."""

_MOST_SPECKS = 12
_MOST_MARKED_PX = 600
"""More marked pixels than this are no dust: the groups are not even counted."""


def is_blank(pixels: Pixels, shares: npt.NDArray[np.float64], dpi: float) -> bool:
    """`shares` are the shares of the 256 grey levels in a sample of `pixels`."""
    paper = int(shares.argmax())
    lowest, highest = int(pixels.min()), int(pixels.max())
    if lowest >= paper - _FLAT and highest <= paper + _FLAT:
        return True
    grain = _grain(shares, paper)
    if grain > _MOST_GRAIN:
        return False
    delta = int(max(_FLAT + 1, min(_MOST_DELTA, 6 * grain)))
    marked = pixels < max(0, paper - delta)
    if highest > paper + delta:
        marked |= pixels > paper + delta
    if np.count_nonzero(marked) > _MOST_MARKED_PX:
        return False
    rows, columns = np.nonzero(marked)
    # Smoothing widens a speck by a pixel on either side.
    longest_px = _SPECK_INCHES * dpi + 2
    groups = _groups(list(zip(rows.tolist(), columns.tolist(), strict=True)), reach_px=2)
    return len(groups) <= _MOST_SPECKS and all(_length(group) <= longest_px for group in groups)


def _grain(shares: npt.NDArray[np.float64], paper: int) -> float:
    """The standard deviation of the levels around the paper's."""
    low, high = max(0, paper - 40), min(256, paper + 41)
    near = shares[low:high]
    offsets = np.arange(low, high) - paper
    total = float(near.sum())
    return float(np.sqrt((near * offsets * offsets).sum() / total)) if total else 255.0


def _groups(points: list[tuple[int, int]], reach_px: int) -> list[list[tuple[int, int]]]:
    """Points that hang together, each at most `reach_px` from the next, in rows and in columns."""
    left = set(points)
    groups = []
    steps = range(-reach_px, reach_px + 1)
    while left:
        waiting = [left.pop()]
        group = []
        while waiting:
            row, column = waiting.pop()
            group.append((row, column))
            for near in [(row + down, column + right) for down in steps for right in steps]:
                if near in left:
                    left.remove(near)
                    waiting.append(near)
        groups.append(group)
    return groups


def _length(group: list[tuple[int, int]]) -> int:
    rows = [row for row, _ in group]
    columns = [column for _, column in group]
    return max(max(rows) - min(rows), max(columns) - min(columns)) + 1
