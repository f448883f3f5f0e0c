"""Images as text: two pixels a cell for the overview, eight dots a cell for a line to be read.

Runs in a thread; Pillow is imported inside the functions. Everything returns Strips ready to be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from PIL.Image import Image

Box = tuple[float, float, float, float]
Rgb = tuple[int, int, int]

STEP = 17
"""A colour channel is rounded to sixteen values: fewer styles, fewer bytes to a slow terminal, no visible
loss."""

FILLED_BELOW_PX = 5
"""A box lower than this has no room for an outline: it is tinted instead."""


@dataclass(frozen=True)
class Mark:
    """A box to draw, in fractions of the page, with its colour. `strong` for the one that is chosen; `number`
    stands in its corner where there is room."""

    box: Box
    colour: Rgb
    strong: bool = False
    number: int | None = None


def overview(image: Image, columns: int, rows: int, marks: Sequence[Mark]) -> list[Strip]:
    """The whole page in at most `columns` × `rows` cells, its boxes marked, in the middle of the columns."""
    from PIL import Image as Images

    scale = min(columns / image.width, rows * 2 / image.height)
    width = max(1, min(columns, round(image.width * scale)))
    height = max(2, min(rows * 2, round(image.height * scale / 2) * 2))
    small = image.resize((width, height), Images.Resampling.BOX).convert("RGB")
    small = small.point(_darken)
    for mark in sorted(marks, key=lambda each: each.strong):
        _draw(small, mark)
    return _strips(small, columns, _numbers(marks, width, height // 2))


def block(image: Image, box: Box, size: tuple[int, int], ink: Rgb, *, from_right: bool) -> list[Strip]:
    """What is in `box` as large as `size` (columns, rows) allows: a line of text in dots, which can be read,
    and what is higher than a few lines as a picture."""
    columns, rows = size
    x0, y0, x1, y1 = box
    wide, high = (x1 - x0) * image.width, (y1 - y0) * image.height
    if wide > LINE_SHAPE * high:
        return zoomed(image, box, columns, rows, ink, from_right=from_right)
    return overview(image.crop(_pixels(image, box)), columns, rows, ())


LINE_SHAPE = 5
"""Width to height from which on a block is taken for one line, or few."""


def _pixels(image: Image, box: Box) -> tuple[int, int, int, int]:
    left, top = int(max(0.0, box[0]) * image.width), int(max(0.0, box[1]) * image.height)
    right, bottom = int(min(1.0, box[2]) * image.width), int(min(1.0, box[3]) * image.height)
    return left, top, max(left + 1, right), max(top + 1, bottom)


_Number = tuple[str, Rgb]


def _numbers(marks: Sequence[Mark], columns: int, rows: int) -> dict[tuple[int, int], _Number]:
    """Digits by row and column of the picture: at the upper left of each numbered box, where no other is."""
    cells: dict[tuple[int, int], _Number] = {}
    for mark in marks:
        if mark.number is None:
            continue
        row = max(0, min(rows - 1, int(mark.box[1] * rows)))
        column = max(0, min(columns - 1, int(mark.box[0] * columns)))
        said = str(mark.number)
        places = [(row, column + step) for step in range(-1, len(said) + 1)]
        if column + len(said) > columns or any(place in cells for place in places):
            continue
        cells.update({(row, column + step): (digit, mark.colour) for step, digit in enumerate(said)})
    return cells


_darken = [round(255 * (value / 255) ** 1.6) for value in range(256)] * 3
"""Text shrunk to a pixel a line fades to a light grey; this brings it back."""


def _draw(image: Image, mark: Mark) -> None:
    from PIL import Image as Images
    from PIL import ImageDraw

    x0, y0 = round(mark.box[0] * image.width), round(mark.box[1] * image.height)
    x1, y1 = round(mark.box[2] * image.width) - 1, round(mark.box[3] * image.height) - 1
    x0, y0 = max(0, min(x0, image.width - 1)), max(0, min(y0, image.height - 1))
    x1, y1 = max(x0, min(x1, image.width - 1)), max(y0, min(y1, image.height - 1))
    if mark.strong or y1 - y0 + 1 < FILLED_BELOW_PX:
        area = image.crop((x0, y0, x1 + 1, y1 + 1))
        tint = Images.new("RGB", area.size, mark.colour)
        image.paste(Images.blend(area, tint, 0.85 if mark.strong else 0.35), (x0, y0))
    else:
        ImageDraw.Draw(image).rectangle((x0, y0, x1, y1), outline=mark.colour)


def _strips(
    canvas: Image, columns: int, numbers: dict[tuple[int, int], _Number] | None = None
) -> list[Strip]:
    """Two rows of pixels a line: the upper half block's colour above, its background below."""
    numbers = numbers or {}
    width, height = canvas.size
    data = canvas.tobytes()
    strips = []
    left = (columns - width) // 2
    for top in range(0, height, 2):
        segments = [Segment(" " * left)]
        run, run_style = 0, None
        for x in range(width):
            digit = numbers.get((top // 2, x))
            if digit is not None:
                if run_style is not None:
                    segments.append(Segment("▀" * run, run_style))
                segments.append(Segment(digit[0], _digit_style(digit[1])))
                run, run_style = 0, None
                continue
            at, below = (top * width + x) * 3, ((top + 1) * width + x) * 3
            style = _cell_style(_rounded(data, at), _rounded(data, below))
            if style is not run_style and run_style is not None:
                segments.append(Segment("▀" * run, run_style))
                run = 0
            run, run_style = run + 1, style
        if run_style is not None:
            segments.append(Segment("▀" * run, run_style))
        segments.append(Segment(" " * (columns - left - width)))
        strips.append(Strip(segments, columns))
    return strips


def _rounded(data: bytes, at: int) -> Rgb:
    return (_ROUNDED[data[at]], _ROUNDED[data[at + 1]], _ROUNDED[data[at + 2]])


_ROUNDED = [round(value / STEP) * STEP for value in range(256)]


@lru_cache(maxsize=8192)
def _cell_style(upper: Rgb, lower: Rgb) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))


@lru_cache(maxsize=64)
def _digit_style(colour: Rgb) -> Style:
    """White or black, whichever is better read on the box's colour."""
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 140
    ink = (0, 0, 0) if bright else (255, 255, 255)
    return Style(color=Color.from_rgb(*ink), bgcolor=Color.from_rgb(*colour), bold=True)


CROP_ROWS = 5
"""Cells a line of text is high in the crop at least: 20 dots, enough for accents and Arabic points."""

MOST_CROP_ROWS = 9
"""Higher than this a line is not easier to read."""

LEAST_CONTRAST = 32
"""Grey values between ink and paper: with less there is nothing to read."""

INK_SHARE = 0.62
"""Where between ink and paper the dots end: strokes shrunk to a dot are no longer black."""

CROP_MARGIN = 0.2
"""Of the line's height, above and below: boxes cut accents off."""


def zoomed(image: Image, box: Box, columns: int, rows: int, ink: Rgb, *, from_right: bool) -> list[Strip]:
    """The text line in `box` in Braille dots, broken into pieces below each other, as high as fits."""
    crop = _crop(image, box)
    high = _height(crop.width / crop.height, columns, rows)
    dots = high * 4
    width = max(1, round(crop.width * dots / crop.height))
    crop = crop.resize((width, dots))
    threshold = _threshold(crop)
    piece = columns * 2
    strips: list[Strip] = []
    style = Style(color=Color.from_rgb(*ink))
    for start in list(range(0, width, piece))[: max(1, rows // high)]:
        left = max(0, width - start - piece) if from_right else start
        right = width - start if from_right else min(width, start + piece)
        strips.extend(_braille(crop.crop((left, 0, right, dots)), columns, threshold, style, from_right))
    return strips[:rows]


def _height(shape: float, columns: int, rows: int) -> int:
    """The most cells a line of width to height `shape` can be high so that all of it is seen."""
    for high in range(min(MOST_CROP_ROWS, max(CROP_ROWS, rows)), CROP_ROWS, -1):
        pieces = -(-round(shape * high * 4) // (columns * 2))
        if pieces * high <= rows:
            return high
    return CROP_ROWS


def _crop(image: Image, box: Box) -> Image:
    x0, y0, x1, y1 = box
    margin = (y1 - y0) * CROP_MARGIN
    left, top = int(max(0.0, x0) * image.width), int(max(0.0, y0 - margin) * image.height)
    right, bottom = int(min(1.0, x1) * image.width), int(min(1.0, y1 + margin) * image.height)
    return image.crop((left, top, max(left + 1, right), max(top + 1, bottom))).convert("L")


def _threshold(image: Image) -> int:
    """Between the darkest tones and the commonest of the bright ones: what is darker is ink."""
    histogram = image.histogram()
    dark, bright = _quantile(histogram, 0.02), _quantile(histogram, 0.98)
    if bright - dark < LEAST_CONTRAST:
        return 0
    paper = max(range((dark + bright) // 2, 256), key=lambda value: histogram[value])
    return round(dark + (paper - dark) * INK_SHARE)


def _quantile(histogram: Sequence[int], share: float) -> int:
    wanted, seen = sum(histogram) * share, 0
    for value, number in enumerate(histogram):
        seen += number
        if seen >= wanted:
            return value
    return len(histogram) - 1


_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Braille's bits by row and column of a cell (Unicode, block 2800)."""


def _braille(image: Image, columns: int, threshold: int, style: Style, from_right: bool) -> list[Strip]:
    from PIL import Image as Images

    canvas = Images.new("L", (columns * 2, image.height), 255)
    canvas.paste(image, (columns * 2 - image.width if from_right else 0, 0))
    data, width = canvas.tobytes(), columns * 2
    strips = []
    for top in range(0, image.height, 4):
        cells = []
        for left in range(0, width, 2):
            bits = 0
            for y, pair in enumerate(_DOTS):
                at = (top + y) * width + left
                bits |= (pair[0] if data[at] < threshold else 0) | (
                    pair[1] if data[at + 1] < threshold else 0
                )
            cells.append(chr(0x2800 + bits))
        strips.append(Strip([Segment("".join(cells), style)], columns))
    return strips
