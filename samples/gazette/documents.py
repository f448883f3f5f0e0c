"""Whole documents: a PDF and its ground truth."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from . import scanning
from .arabic import ARABIC
from .fonts import font_for
from .french import FRENCH
from .setting import CREATED, HEIGHT_PT, WIDTH_PT, Line, Setter
from .wording import Wording

WORDINGS = {"fr": FRENCH, "ar": ARABIC}
PAGE_BREAK = "\f\n"
"""Between two pages of a ground truth file."""


class PageKind(StrEnum):
    """What stands on a page, or what is wrong with it."""

    TEXT = "text"
    TABLE = "table"
    BLANK = "blank"
    NUMBER = "number"
    """Nothing but a page number."""
    ROTATED = "rotated"
    """Text, lying on its side."""
    FADED = "faded"
    """Text of low contrast (always scanned)."""


@dataclass(frozen=True)
class Order:
    """One document to make. `scan` makes images of its pages; pages of kind FADED always are images."""

    language: str
    pages: Sequence[PageKind]
    seed: int
    scan: bool = False
    fonts: tuple[Path, ...] = ()
    scanner: scanning.Scanner = field(default_factory=scanning.Scanner)


@dataclass(frozen=True)
class Made:
    """A PDF's bytes and the text of each of its pages, lines in reading order."""

    pdf: bytes
    truth: tuple[str, ...]


def make_document(order: Order) -> Made:
    """Raises FontMissing."""
    rng = random.Random(f"{order.language} {order.seed}")
    wording = WORDINGS[order.language]
    setter = Setter(font_for(order.language, order.fonts), right_to_left=wording.right_to_left)
    _set_pages(setter, wording, order.pages, rng)
    setter.pdf.set_creation_date(CREATED)
    clean = bytes(setter.pdf.output())
    if order.scan or PageKind.FADED in order.pages:
        clean = _scanned(clean, order)
    elif PageKind.ROTATED in order.pages:
        clean = _turned(clean, order.pages)
    return Made(clean, tuple(setter.truth))


def write_document(folder: Path, name: str, made: Made) -> Path:
    """Write `name`.pdf and `name`.gt.txt. Returns the PDF's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.pdf"
    path.write_bytes(made.pdf)
    (folder / f"{name}.gt.txt").write_text(PAGE_BREAK.join(made.truth), encoding="utf-8")
    return path


def read_truth(path: Path) -> list[str]:
    """A ground truth file's pages."""
    return path.read_text(encoding="utf-8").split(PAGE_BREAK)


def _set_pages(setter: Setter, wording: Wording, pages: Sequence[PageKind], rng: random.Random) -> None:
    masthead = wording.masthead(rng)
    lines = _endless(setter, wording, rng)
    for number, kind in enumerate(pages, start=1):
        setter.start_page()
        if kind is PageKind.BLANK:
            setter.end_page()
            continue
        if kind is not PageKind.NUMBER:
            top = setter.masthead(masthead) if number == 1 else setter.running_head(masthead.issue)
            if kind is PageKind.TABLE:
                setter.table(wording.table(rng), top)
            else:
                setter.columns(lines, top)
        setter.end_page(wording.page_number(number))


def _endless(setter: Setter, wording: Wording, rng: random.Random) -> Iterator[Line]:
    while True:
        yield from setter.break_decree(wording.decree(rng))


def _scanned(pdf: bytes, order: Order) -> bytes:
    """The document as a scanner sees it: an image a page."""
    drawn = scanning.draw(pdf)
    images: list[bytes] = []
    for index, (page, kind) in enumerate(zip(drawn, order.pages, strict=True)):
        back = drawn[(index + 1) % len(drawn)] if len(drawn) > 1 else None
        faded = scanning.FADED
        scanner = replace(faded, quality=order.scanner.quality) if kind is PageKind.FADED else order.scanner
        image = scanning.spoil(page, back, order.seed * 1000 + index, scanner)
        if kind is PageKind.ROTATED:
            image = image.rotate(90, expand=True)
        images.append(scanning.jpeg(image, scanner.quality))
    return _bound(images)


def _bound(images: Sequence[bytes]) -> bytes:
    """JPEGs as the pages of a PDF, each at its size on paper."""
    from fpdf import FPDF
    from PIL import Image

    pdf: Any = FPDF(unit="pt")
    pdf.set_auto_page_break(False)
    pdf.set_creation_date(CREATED)
    for image in images:
        with Image.open(io.BytesIO(image)) as opened:
            width, height = (side * 72 / scanning.SCAN_DPI for side in opened.size)
        pdf.add_page(format=(width, height))
        pdf.image(io.BytesIO(image), 0, 0, width, height)
    return bytes(pdf.output())


def _turned(pdf: bytes, pages: Sequence[PageKind]) -> bytes:
    """The pages of kind ROTATED drawn on their sides: the content is turned, not the page's /Rotate, so
    that no viewer puts it right."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    document = pdfium.PdfDocument(pdf)
    for page, kind in zip(document, pages, strict=True):
        if kind is PageKind.ROTATED:
            turn = raw.FS_MATRIX(0, 1, -1, 0, HEIGHT_PT, 0)
            clip = raw.FS_RECTF(0, WIDTH_PT, HEIGHT_PT, 0)
            raw.FPDFPage_TransFormWithClip(page, turn, clip)
            page.set_mediabox(0, 0, HEIGHT_PT, WIDTH_PT)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()
