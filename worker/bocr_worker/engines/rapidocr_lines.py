"""Where rapidocr looks for lines, and the geometry of the lines it finds.

Standard library only; the four corners of a line may be any sequence of points, numpy's among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from bocr_worker.engines.lines import ReadWord
from bocr_worker.reading import Box

Point = Sequence[float]
Corners = Sequence[Point]
"""Four corners of a line from its top left, clockwise, in pixels."""

_LONG_PX, _SHORT_PX, _WIDE_PX = 1280, 736, 4096
"""Never look at less than 1280 pixels of the long side (an image's dpi may be wrong), enlarge small images
to 736 on the short side as the library does, and bound what an extreme strip becomes."""

_BAND_PX = 600_000
_BAND_LEAST_PX, _BAND_OVERLAP_PX = 256, 96
"""Pixels of a band (an A4 page makes three or four), its least height, and what neighbours share: at 150
dpi a line of 45 points lies whole in one of them. Bands do not depend on the threads: a page reads the same
everywhere."""

_TALL = 1.5
"""The library turns boxes this much taller than wide a quarter counter-clockwise before it reads them."""

_ON_SIDE_SHARE = 0.6
_LONG_LINE = 4.0


def detection_scale(width_px: int, height_px: int, dpi: float, detect_dpi: float) -> float:
    """How much larger the copy is in which lines are looked for."""
    short, long = sorted((width_px, height_px))
    wanted = long * detect_dpi / dpi if dpi > 0 else _LONG_PX
    scale = min(1.0, max(wanted, _LONG_PX) / long)
    if scale == 1.0:
        scale = max(1.0, min(_SHORT_PX / short, _LONG_PX / long))
    return min(scale, _WIDE_PX / width_px)


def bands(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """(seen from, own from, own to, seen to) of each band, from the top; own parts tile the height."""
    count = max(1, min(math.ceil(width * height / _BAND_PX), height // _BAND_LEAST_PX))
    edges = [round(height * number / count) for number in range(count + 1)]
    edges[-1] = height + 1  # a box may touch the lower edge
    reach = _BAND_OVERLAP_PX // 2
    return [(max(0, low - reach), low, high, min(height, high + reach)) for low, high in pairwise(edges)]


def sides(corners: Corners) -> tuple[float, float]:
    """Width and height of a line along its own slope, in pixels."""
    width = (math.dist(corners[0], corners[1]) + math.dist(corners[3], corners[2])) / 2
    height = (math.dist(corners[0], corners[3]) + math.dist(corners[1], corners[2])) / 2
    return width, height


def is_tall(corners: Corners) -> bool:
    """Whether the line's text stands on its side."""
    width, height = sides(corners)
    return height >= _TALL * width


def is_on_its_side(lines: Sequence[Corners]) -> bool:
    """Whether most of the lines' length stands on its side."""
    tall = sum(max(sides(corners)) for corners in lines if is_tall(corners))
    return tall > _ON_SIDE_SHARE * sum(max(sides(corners)) for corners in lines)


def slope(lines: Sequence[Corners]) -> float:
    """The angle of the page's lines against the horizontal, in radians, by the median long line."""
    angles = [
        math.atan2(corners[1][1] - corners[0][1], corners[1][0] - corners[0][0])
        for corners in lines
        if sides(corners)[0] > _LONG_LINE * sides(corners)[1]
    ]
    return median(angles) if len(angles) >= 3 else 0.0


def around(corners: Corners) -> Box:
    """The upright box that holds the line."""
    xs, ys = [float(corner[0]) for corner in corners], [float(corner[1]) for corner in corners]
    return min(xs), min(ys), max(xs), max(ys)


def levelled(corners: Corners, angle: float) -> Box:
    """The line's box after turning the page back by its slope: columns then stand apart again."""
    x = sum(float(corner[0]) for corner in corners) / 4
    y = sum(float(corner[1]) for corner in corners) / 4
    middle_x = x * math.cos(angle) + y * math.sin(angle)
    middle_y = y * math.cos(angle) - x * math.sin(angle)
    width, height = sides(corners)
    return middle_x - width / 2, middle_y - height / 2, middle_x + width / 2, middle_y + height / 2


def words_of(
    text: str, columns: Sequence[int], scores: Sequence[float], length: float, corners: Corners
) -> tuple[ReadWord, ...]:
    """Words with boxes, from the columns in which the recogniser saw their letters.

    `columns` has one entry for each character but spaces, `scores` one for each character, `length` is the
    line's length in columns. Empty where these do not fit the text.
    """
    if length <= 0 or len(scores) != len(text) or len(columns) != sum(not c.isspace() for c in text):
        return ()
    words: list[ReadWord] = []
    places: list[float] = []
    start = taken = 0
    for number, character in enumerate(f"{text} "):
        if not character.isspace():
            places.append((columns[taken] + 0.5) / length)
            taken += 1
            continue
        if places:
            score = sum(scores[start:number]) / (number - start)
            words.append(ReadWord(text[start:number], _part(corners, places), score))
            places = []
        start = number + 1
    return tuple(words)


def _part(corners: Corners, places: Sequence[float]) -> Box:
    """The box of the letters whose middles lie at these shares of the line."""
    half = (places[-1] - places[0]) / (len(places) - 1) / 2 if len(places) > 1 else 0.01
    tall = is_tall(corners)
    origin, along, across = (corners[i] for i in ((1, 2, 0) if tall else (0, 1, 3)))
    points = []
    for share in (max(0.0, places[0] - half), min(1.0, places[-1] + half)):
        x = origin[0] + (along[0] - origin[0]) * share
        y = origin[1] + (along[1] - origin[1]) * share
        points += [(x, y), (x + across[0] - origin[0], y + across[1] - origin[1])]
    return around(points)
