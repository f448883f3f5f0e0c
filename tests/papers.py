"""Small documents made on the spot."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw


def page_image(number: int, width_px: int = 240, height_px: int = 320) -> Image.Image:
    """A page with bars for lines; each number looks different."""
    image = Image.new("L", (width_px, height_px), 255)
    draw = ImageDraw.Draw(image)
    for line in range(12):
        length = 60 + (number * 37 + line * 53) % (width_px - 100)
        top = 20 + line * 24
        draw.rectangle((20, top, 20 + length, top + 9), fill=0)
    draw.text((width_px // 2, height_px - 18), str(number), fill=0)
    return image


def make_pdf(path: Path, pages: int, first: int = 1) -> Path:
    """A PDF of `pages` such pages, numbered from `first`."""
    images = [page_image(first + number) for number in range(pages)]
    images[0].save(path, "PDF", save_all=True, append_images=images[1:], resolution=72)
    return path


def text_image(lines: list[str], size_px: int = 40) -> Image.Image:
    """Black text on white, with Pillow's own font: enough for an engine to read."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=size_px)
    image = Image.new("L", (60 * size_px // 2, (len(lines) + 2) * size_px * 2), 255)
    draw = ImageDraw.Draw(image)
    for place, line in enumerate(lines):
        draw.text((size_px, size_px + place * size_px * 2), line, fill=0, font=font)
    return image
