"""Small PDFs and pages made by hand, for the tests of rendering, preparing and probing."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Pixels = npt.NDArray[np.uint8]

_TEXT = (
    "Bulletin officiel du royaume article premier les dispositions de la loi relative aux societes et aux "
    "conventions collectives sont applicables sur tout le territoire national sous reserve des decrets pris "
    "pour leur execution par le ministre charge des finances et du commerce exterieur"
)
WORDS = _TEXT.split()


def pdf(
    pages: Sequence[bytes],
    *,
    media: str = "0 0 595 842",
    extra: str = "",
    objects: dict[int, bytes] | None = None,
) -> bytes:
    """A PDF whose pages have these content streams. `extra` goes into every page's dictionary, `objects` are
    further ones, numbered from 100."""
    kids = " ".join(f"{10 + 2 * index} 0 R" for index in range(len(pages)))
    bodies = {
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: f"<</Type/Pages/Count {len(pages)}/Kids[{kids}]>>".encode(),
        3: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    }
    for index, content in enumerate(pages):
        number = 10 + 2 * index
        resources = "/Resources<</Font<</F1 3 0 R>>/XObject<</Im1 100 0 R>>>>"
        entries = f"/Parent 2 0 R/MediaBox[{media}]/Contents {number + 1} 0 R{resources}{extra}"
        bodies[number] = f"<</Type/Page{entries}>>".encode()
        bodies[number + 1] = stream(b"", content)
    return assemble({**bodies, **(objects or {})})


def stream(entries: bytes, data: bytes) -> bytes:
    return b"<<" + entries + b"/Length %d>>\nstream\n" % len(data) + data + b"\nendstream"


def assemble(bodies: dict[int, bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in sorted(bodies.items()):
        places[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start, size = len(out), max(bodies) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % places[number] if number in places else b"0000000000 65535 f \n"
    return bytes(out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, start))


def text_content(
    lines: Sequence[str], *, size_pt: float = 12, left_pt: float = 72, top_pt: float = 760
) -> bytes:
    shown = "".join(f"({line}) Tj 0 {-1.4 * size_pt:.1f} Td " for line in lines)
    return f"BT /F1 {size_pt} Tf {left_pt} {top_pt} Td {shown}ET".encode()


def image_object(data: bytes, width_px: int, height_px: int, *, filter_name: str = "FlateDecode") -> bytes:
    """A grey image of 8 bits; `data` is encoded already."""
    entries = (
        f"/Type/XObject/Subtype/Image/Width {width_px}/Height {height_px}/ColorSpace/DeviceGray"
        f"/BitsPerComponent 8/Filter/{filter_name}"
    )
    return stream(entries.encode(), data)


def grey_image(pixels: Pixels) -> bytes:
    height_px, width_px = pixels.shape
    return image_object(zlib.compress(pixels.tobytes(), 1), width_px, height_px)


def paper(width_px: int = 827, height_px: int = 1170, level: int = 255) -> Image.Image:
    return Image.new("L", (width_px, height_px), level)


def write_block(
    image: Image.Image,
    box: tuple[int, int, int, int],
    *,
    size_px: int = 14,
    seed: int = 0,
    level: int = 0,
    indent: bool = True,
) -> None:
    """Justified prose between left, top, right and bottom."""
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size_px)
    rng = np.random.default_rng(seed)
    left, top, right, bottom = box
    row, line_number = top, 0
    while row + size_px * 1.4 <= bottom:
        start = left + (size_px * 2 if indent and line_number % 6 == 0 else 0)
        words, width = [], 0.0
        while True:
            word = WORDS[int(rng.integers(len(WORDS)))]
            wide = draw.textlength(word, font=font)
            if start + width + wide + len(words) * size_px * 0.3 > right:
                break
            words.append((word, wide))
            width += wide
        gap = (right - start - width) / max(1, len(words) - 1)
        if line_number % 6 == 5:
            words, gap = words[: max(1, len(words) // 2)], size_px * 0.3
        at = float(start)
        for word, wide in words:
            draw.text((at, row), word, fill=level, font=font)
            at += wide + gap
        row += int(size_px * 1.4)
        line_number += 1


def text_page(width_px: int = 827, height_px: int = 1170, *, seed: int = 0, size_px: int = 14) -> Image.Image:
    """One column of prose on white, about 100 dpi at these sizes."""
    image = paper(width_px, height_px)
    margin = width_px // 10
    write_block(image, (margin, margin, width_px - margin, height_px - margin), seed=seed, size_px=size_px)
    return image


def grainy(image: Image.Image, *, level: float = 0.9, grain: float = 4.0, seed: int = 0) -> Pixels:
    """As if scanned: darker paper with grain."""
    rng = np.random.default_rng(seed)
    values = np.asarray(image, dtype=np.float64) * level + rng.normal(0, grain, (image.height, image.width))
    return np.clip(values, 0, 255).astype(np.uint8)
