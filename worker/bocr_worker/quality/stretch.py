"""The largest part of a page that no box reaches into: the column or the half that was not read."""

from __future__ import annotations

from dataclasses import dataclass

from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS
from bocr_worker.protocol.recognition import Box
from bocr_worker.quality.inkmap import InkMap, Rows

_ALL = (1 << GRID_COLUMNS) - 1


@dataclass(frozen=True)
class Stretch:
    """A rectangle of cells without any box, and how many unread and solid cells lie in it."""

    left: int
    top: int
    right: int
    bottom: int
    unread: int
    solid: int

    @property
    def cells(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def box(self) -> Box:
        return (
            round(self.left / GRID_COLUMNS, 3),
            round(self.top / GRID_ROWS, 3),
            round(self.right / GRID_COLUMNS, 3),
            round(self.bottom / GRID_ROWS, 3),
        )


def largest_unread(ink: InkMap, least_rows: int, least_columns: int) -> Stretch | None:
    """The rectangle without boxes that holds the most unread cells, solid ones counted against it so that
    it does not take in a bar or a picture beside the text."""
    unread = _running_sums(ink.unread)
    solid = _running_sums(ink.solid)
    best, most = None, 0
    for top in range(GRID_ROWS - least_rows + 1):
        free = _ALL
        for bottom in range(top + 1, GRID_ROWS + 1):
            free &= ~ink.covered[bottom - 1]
            if not free:
                break
            if bottom - top < least_rows or unread[bottom][-1] - unread[top][-1] <= most:
                continue
            for left, right in _runs(free):
                if right - left < least_columns:
                    continue
                edges = (left, top, right, bottom)
                worth = _inside(unread, edges) - _inside(solid, edges)
                if worth > most:
                    best, most = edges, worth
    return None if best is None else Stretch(*best, _inside(unread, best), _inside(solid, best))


def _inside(sums: list[list[int]], edges: tuple[int, int, int, int]) -> int:
    left, top, right, bottom = edges
    above, below = sums[top], sums[bottom]
    return below[right] - below[left] - above[right] + above[left]


def _runs(bits: int) -> list[tuple[int, int]]:
    """The runs of set bits as (first, past the last)."""
    runs = []
    base = 0
    while bits:
        skip = (bits & -bits).bit_length() - 1
        bits >>= skip
        length = (~bits & (bits + 1)).bit_length() - 1
        runs.append((base + skip, base + skip + length))
        bits >>= length
        base += skip + length
    return runs


def _running_sums(rows: Rows) -> list[list[int]]:
    """sums[r][c] counts the set bits of the rows before r in the columns before c."""
    sums = [[0] * (GRID_COLUMNS + 1)]
    for row in rows:
        before, here, running = sums[-1], [0], 0
        for column in range(GRID_COLUMNS):
            running += row >> column & 1
            here.append(before[column + 1] + running)
        sums.append(here)
    return sums
