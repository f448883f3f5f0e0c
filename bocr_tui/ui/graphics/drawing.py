"""The pixels of a pane: the page with its boxes numbered, and the line one stands on below or beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_tui.ui.halfcells import CROP_MARGIN, Box, Mark, Rgb

if TYPE_CHECKING:
    from PIL.Image import Image

PNG_COLOURS = 64
"""A page is grey; its boxes have few colours. A third of the bytes that all colours take."""

CLOSEST = 3.0
"""A crop is enlarged at most so much beyond its own pixels: more is only blurred."""


@dataclass(frozen=True)
class Area:
    """A rectangle of the pane, in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class PanePicture:
    """What a pane shows: the page in `page_area` with its marks, and in `crop_area` what is in `box`."""

    width: int
    height: int
    ground: Rgb
    page_area: Area | None = None
    crop_area: Area | None = None
    box: Box | None = None
    marks: tuple[Mark, ...] = ()
    from_right: bool = False


def drawn(image: Image, wanted: PanePicture) -> Image:
    """The pane's pixels. Slow: run in a thread."""
    from PIL import Image as Images

    canvas = Images.new("RGB", (max(1, wanted.width), max(1, wanted.height)), wanted.ground)
    if wanted.page_area is not None:
        page = _fitted(image, wanted.page_area, largest=1.0)
        _draw_marks(page, wanted.marks)
        left = wanted.page_area.left + (wanted.page_area.width - page.width) // 2
        canvas.paste(page, (left, wanted.page_area.top))
    if wanted.crop_area is not None and wanted.box is not None:
        area = wanted.crop_area
        crop = _fitted(_cut(image, wanted.box), area, largest=CLOSEST)
        left = area.width - crop.width if wanted.from_right else 0
        canvas.paste(crop, (area.left + left, area.top + max(0, (area.height - crop.height) // 2)))
    return canvas


def png(image: Image) -> bytes:
    """Quickly packed: the terminal unpacks it once, and a slow line has to carry it."""
    out = io.BytesIO()
    image.quantize(PNG_COLOURS).save(out, "PNG", compress_level=6)
    return out.getvalue()


def _fitted(image: Image, area: Area, largest: float) -> Image:
    from PIL import Image as Images

    scale = min(area.width / image.width, area.height / image.height, largest)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    filtering = Images.Resampling.BOX if scale < 0.5 else Images.Resampling.LANCZOS
    return image.convert("RGB").resize(size, filtering, reducing_gap=2.0)


def _cut(image: Image, box: Box) -> Image:
    x0, y0, x1, y1 = box
    margin = (y1 - y0) * CROP_MARGIN
    left, top = int(max(0.0, x0) * image.width), int(max(0.0, y0 - margin) * image.height)
    right, bottom = int(min(1.0, x1) * image.width), int(min(1.0, y1 + margin) * image.height)
    left, top = min(left, image.width - 1), min(top, image.height - 1)
    return image.crop((left, top, max(left + 1, right), max(top + 1, bottom)))


def _draw_marks(page: Image, marks: Sequence[Mark]) -> None:
    """Outlines, the chosen one tinted and thick; numbers in a corner where boxes are high enough."""
    from PIL import Image as Images
    from PIL import ImageDraw, ImageFont

    pen = ImageDraw.Draw(page)
    size = max(9, min(18, page.width // 45))
    font = ImageFont.load_default(size)
    for mark in sorted(marks, key=lambda each: each.strong):
        x0, x1 = sorted(max(0, min(page.width - 1, round(edge * page.width))) for edge in mark.box[::2])
        y0, y1 = sorted(max(0, min(page.height - 1, round(edge * page.height))) for edge in mark.box[1::2])
        if mark.strong:
            area = page.crop((x0, y0, x1 + 1, y1 + 1))
            page.paste(Images.blend(area, Images.new("RGB", area.size, mark.colour), 0.25), (x0, y0))
        pen.rectangle((x0, y0, x1, y1), outline=mark.colour, width=3 if mark.strong else 1)
        if mark.number is not None:
            _number(pen, str(mark.number), (x0, max(0, y0 - size)), font, mark.colour)


def _number(pen: object, said: str, at: tuple[int, int], font: object, colour: Rgb) -> None:
    from PIL import ImageDraw

    assert isinstance(pen, ImageDraw.ImageDraw)
    ground = pen.textbbox(at, said, font=font)  # type: ignore[arg-type] # Pillow's own default font
    pen.rectangle(ground, fill=colour)
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 140
    pen.text(at, said, font=font, fill=(0, 0, 0) if bright else (255, 255, 255))  # type: ignore[arg-type]
