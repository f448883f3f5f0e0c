"""Reading order: from line boxes to regions of rows, by where ink is not.

A recursive cut in the manner of the XY-cut (Nagy and Seth, 1984) with one difference: a horizontal cut is
only made where the gutter between columns ends, so that two columns whose lines happen to stand level are
not read across. What looks like a table (level, short cells) stays rows.

Boxes are (x0, y0, x1, y1) in one unit for both axes, pixels say, origin top left. Nothing here needs more
than the standard library; 400 boxes take a few milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

Box = tuple[float, float, float, float]
Span = tuple[float, float]
Row = tuple[int, ...]
"""Places of boxes that stand on one line, in reading order."""

_SHRINK = 0.22
"""Detectors grow line boxes; this share of the height is taken off both ends before horizontal white is
looked for, so that neighbouring lines do not touch."""

_MIN_GUTTER = 0.5
"""Narrowest gutter between columns, in median line heights, after the same share came off both sides."""

_FULL = 0.85
"""A line of this share of its column's width counts as full: running text is broken where it is full."""

_FULL_SHARE = 0.25
"""So many of a column's lines are full where it is running text…"""

_LEVEL_FULL_SHARE = 0.4
"""…and so many where its lines stand level with those beside it, as the cells of a table do."""

_LEVEL_SHARE = 0.7
"""A column stands level when so many of its lines have one beside them whose middle is as high…"""

_LOOSE_SHARE = 0.6
"""…and is no table's when fewer have: two unrelated columns on both sides match half of the lines."""

_ASPECT = 9.0
"""Full lines of running text are longer than so many line heights; else it is a list of numbers."""

_LINES = 3
"""Fewer lines than this are no column of running text."""

_APART = 2.0
"""White of so many median line heights sets a page head or foot apart from the columns beside it."""

_UPRIGHT = 4.0
"""A box so many median heights tall and taller than wide is no line: a border, a seal, text on its side."""

_RETRIES = 4
"""So many strips may be left above columns (a head of several cells, say) before they are given up."""


@dataclass(frozen=True)
class Region:
    """Rows that are read one after another: a column, or what stands between two sets of columns."""

    rows: tuple[Row, ...]


def reading_order(boxes: Sequence[Box], right_to_left: bool = False) -> tuple[Region, ...]:
    """The regions of a page in reading order; every box's place occurs exactly once.

    `right_to_left` reads the right column first, and rows from the right. Boxes that stand upright come
    last: they would tie together what they stand beside. The answer does not depend on the order in which
    the boxes are given. Raises ValueError for a box that ends before it starts.
    """
    for box in boxes:
        if not (box[2] >= box[0] and box[3] >= box[1]):
            raise ValueError(f"a box ends before it starts: {box}")
    if not boxes:
        return ()
    height = median(box[3] - box[1] for box in boxes) or 1.0
    upright = {p for p, box in enumerate(boxes) if _stands(box, height)}
    lying = [place for place in range(len(boxes)) if place not in upright]
    aside = sorted(upright, key=lambda p: (boxes[p][1], boxes[p]))
    cutter = _Cutter(boxes, height, right_to_left)
    return (*cutter.regions(lying), *(Region(((place,),)) for place in aside))


def _stands(box: Box, height: float) -> bool:
    return box[3] - box[1] > max(_UPRIGHT * height, box[2] - box[0])


def flat(regions: Sequence[Region]) -> tuple[int, ...]:
    """The places alone, in reading order."""
    return tuple(place for region in regions for row in region.rows for place in row)


class _Cutter:
    def __init__(self, boxes: Sequence[Box], height: float, right_to_left: bool) -> None:
        self.boxes = boxes
        self.height = height
        self.right_to_left = right_to_left

    def regions(self, places: list[int]) -> list[Region]:
        strips = self._strips(places)
        found: list[Region] = []
        loose: list[list[int]] = []
        start = failures = 0
        while start < len(strips):
            end, gaps = self._reach(strips, start)
            first, last = self._trim(strips, start, end)
            columns = self._columns(strips[first:last], gaps) if gaps else None
            if columns is None:
                failures = failures + 1 if gaps else 0
                stop = end if failures > _RETRIES else start + 1
                loose.extend(strips[start:stop])
                start = stop
                continue
            loose.extend(strips[start:first])
            while loose and first > 0 and self._belongs(loose[-1], columns):
                columns = self._with(loose.pop(), columns)
            found.extend(self._loose(loose))
            loose, failures, start = [], 0, last
            for column in reversed(columns) if self.right_to_left else columns:
                found.extend(self.regions(column))
        return found + self._loose(loose)

    def _loose(self, strips: list[list[int]]) -> list[Region]:
        return [Region(self._rows([place for strip in strips for place in strip]))] if strips else []

    # -- strips: groups of boxes with horizontal white above and below -----------------------------------

    def _strips(self, places: list[int]) -> list[list[int]]:
        spans = []
        for place in places:
            _, top, _, bottom = self.boxes[place]
            off = _SHRINK * (bottom - top)
            spans.append((top + off, bottom - off, self.boxes[place], place))
        spans.sort()
        strips: list[list[int]] = []
        reached = float("-inf")
        for top, bottom, _, place in spans:
            if not strips or top > reached:
                strips.append([])
            strips[-1].append(place)
            reached = max(reached, bottom)
        return strips

    def _reach(self, strips: list[list[int]], start: int) -> tuple[int, list[Span]]:
        """How many strips from `start` on share a gutter, and the gutters they share."""
        covered: list[Span] = []
        gaps: list[Span] = []
        for end in range(start, len(strips)):
            covered = _union(covered, [self._inner(place) for place in strips[end]])
            inside = self._gutters(covered)
            if not inside and end > start:
                return end, gaps
            gaps = inside
        return len(strips), gaps

    def _inner(self, place: int) -> Span:
        left, _, right, _ = self.boxes[place]
        off = min(_SHRINK * self.height, 0.25 * (right - left))
        return left + off, right - off

    def _gutters(self, covered: list[Span]) -> list[Span]:
        least = _MIN_GUTTER * self.height
        white = [(left[1], right[0]) for left, right in pairwise(covered)]
        return [gap for gap in white if gap[1] - gap[0] >= least]

    def _trim(self, strips: list[list[int]], start: int, end: int) -> tuple[int, int]:
        """Leave out a page head or foot that only happens to keep clear of the gutter."""
        if end - start > _LINES and self._is_apart(strips[start], strips[start + 1 : end]):
            start += 1
        if end - start > _LINES and self._is_apart(strips[end - 1], strips[start : end - 1]):
            end -= 1
        return start, end

    def _is_apart(self, strip: list[int], others: list[list[int]]) -> bool:
        """Much white lies between, or it is one line that sticks out into the others' gutter."""
        rest = [place for other in others for place in other]
        if max(self._white(strip, rest), self._white(rest, strip)) > _APART * self.height:
            return True
        if len(strip) > 1:
            return False
        columns = _union([], [self._inner(place) for place in rest])
        left, right = self._inner(strip[0])
        slack = 0.5 * self.height
        return not any(low - slack <= left and right <= high + slack for low, high in columns)

    def _white(self, above: list[int], below: list[int]) -> float:
        return min(self.boxes[p][1] for p in below) - max(self.boxes[p][3] for p in above)

    # -- columns ---------------------------------------------------------------------------------------

    def _columns(self, strips: list[list[int]], gaps: list[Span]) -> list[list[int]] | None:
        """The block's columns from the left, or None where the gaps are those of a table.

        Every column is running text, or stands beside running text without being level with it (a list of
        headings beside an article). Where one is neither, it joins the neighbour it is nearest to.
        """
        gaps = list(gaps)
        while gaps:
            columns = self._split([place for strip in strips for place in strip], gaps)
            level = self._level_shares(strips, gaps)
            texts = [self._is_text(column, level[n] >= _LEVEL_SHARE) for n, column in enumerate(columns)]
            fit = [texts[n] or (len(columns[n]) > 1 and level[n] < _LOOSE_SHARE) for n in range(len(columns))]
            if all(fit) and any(texts):
                return columns
            odd = fit.index(False) if not all(fit) else 0
            gaps.remove(min(gaps[max(0, odd - 1) : odd + 1], key=lambda gap: (gap[1] - gap[0], gap)))
        return None

    def _split(self, places: list[int], gaps: list[Span]) -> list[list[int]]:
        columns: list[list[int]] = [[] for _ in range(len(gaps) + 1)]
        for place in places:
            centre = (self.boxes[place][0] + self.boxes[place][2]) / 2
            columns[sum(centre > gap[0] for gap in gaps)].append(place)
        return columns

    def _is_text(self, column: list[int], level: bool) -> bool:
        if len(column) < _LINES:
            return False
        left, right = self._extent(column)
        full = [
            w for w in (self.boxes[p][2] - self.boxes[p][0] for p in column) if w >= _FULL * (right - left)
        ]
        wanted = _LEVEL_FULL_SHARE if level else _FULL_SHARE
        return len(full) >= wanted * len(column) and median(full) >= _ASPECT * self.height

    def _level_shares(self, strips: list[list[int]], gaps: list[Span]) -> list[float]:
        """For each column: how many of its lines have one beside them, across a gutter, as high as they."""
        level = [0] * (len(gaps) + 1)
        total = [0] * (len(gaps) + 1)
        near = 0.2 * self.height
        for strip in strips:
            sides = [sorted((self._middle(p), p) for p in side) for side in self._split(strip, gaps)]
            for number, side in enumerate(sides):
                beside = sides[max(0, number - 1) : number] + sides[number + 1 : number + 2]
                total[number] += len(side)
                for middle, _ in side:
                    level[number] += any(_has_near(other, middle, near) for other in beside)
        return [part / whole if whole else 0.0 for part, whole in zip(level, total)]  # noqa: B905

    def _belongs(self, strip: list[int], columns: list[list[int]]) -> bool:
        """Whether a strip above the columns is the start of one that starts higher than the others."""
        if self._white(strip, [place for column in columns for place in column]) > _APART * self.height:
            return False
        extents = [self._extent(column) for column in columns]
        for place in strip:
            left, _, right, _ = self.boxes[place]
            slack = 0.5 * self.height
            inside = [e for e in extents if e[0] - slack <= left and right <= e[1] + slack]
            if not inside or right - left < 0.5 * (inside[0][1] - inside[0][0]):
                return False
        return True

    def _with(self, strip: list[int], columns: list[list[int]]) -> list[list[int]]:
        extents = [self._extent(column) for column in columns]
        grown = [list(column) for column in columns]
        for place in strip:
            centre = (self.boxes[place][0] + self.boxes[place][2]) / 2
            nearest = min(range(len(extents)), key=lambda n: abs(centre - sum(extents[n]) / 2))
            grown[nearest].append(place)
        return grown

    def _extent(self, places: list[int]) -> Span:
        return min(self.boxes[p][0] for p in places), max(self.boxes[p][2] for p in places)

    # -- rows ------------------------------------------------------------------------------------------

    def _rows(self, places: list[int]) -> tuple[Row, ...]:
        """Cluster by middle; a box joins a row that it stands level with and beside."""
        boxes = self.boxes
        rows: list[list[int]] = []
        for place in sorted(places, key=lambda p: (self._middle(p), boxes[p])):
            if rows and self._joins(rows[-1], place):
                rows[-1].append(place)
            else:
                rows.append([place])
        return tuple(tuple(sorted(row, key=self._along)) for row in rows)

    def _along(self, place: int) -> tuple[float, Box]:
        box = self.boxes[place]
        return (-box[2] if self.right_to_left else box[0]), box

    def _middle(self, place: int) -> float:
        return (self.boxes[place][1] + self.boxes[place][3]) / 2

    def _joins(self, row: list[int], place: int) -> bool:
        left, top, right, bottom = self.boxes[place]
        middle = sum(self._middle(p) for p in row) / len(row)
        least = min([bottom - top, *(self.boxes[p][3] - self.boxes[p][1] for p in row)])
        if self._middle(place) - middle > 0.5 * max(least, 0.5 * self.height):
            return False
        for other in row:
            overlap = min(right, self.boxes[other][2]) - max(left, self.boxes[other][0])
            if overlap > 0.3 * min(right - left, self.boxes[other][2] - self.boxes[other][0]):
                return False
        return True


def _has_near(side: list[tuple[float, int]], middle: float, near: float) -> bool:
    """Whether the sorted `side` has a line whose middle is nearer than `near`."""
    place = bisect_left(side, (middle - near,))
    return place < len(side) and side[place][0] < middle + near


def _union(covered: list[Span], spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for left, right in sorted(covered + spans):
        if merged and left <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], right))
        else:
            merged.append((left, right))
    return merged
