"""A mixed shelf of PDFs, one to fifty pages each: born-digital gazettes and scans."""

from __future__ import annotations

import io
import math
import random
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pages import GAZETTE, SCAN_TEXT, dense_document

LONGEST = 50
_SHELF = GAZETTE.parent
_SCANS = ("JO-7750*", "decret-84*", "decret-2020*", "نظام*", "إضافة*", "décret_2007*")


@dataclass(frozen=True)
class Paper:
    """One PDF; `scan` says that its pages are photographs of paper."""

    path: Path
    pages: int
    scan: bool


def mixed(folder: Path, pages: int, seed: int = 7) -> list[Paper]:
    """Papers with so many pages in all. Lengths are spread evenly on a logarithmic scale, as archives are: as
    many of one or two pages as of thirty or forty. A quarter of the documents are scans."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(seed)
    sources = _sources(folder)
    papers: list[Paper] = []
    left = pages
    while left:
        length = min(left, round(math.exp(chance.uniform(0.0, math.log(LONGEST)))))
        source = sources[len(papers) % len(sources)]
        path = folder / f"{chance.randrange(10**8):08d}-{length}.pdf"
        _cut(source.path, source.pages, chance.randrange(source.pages), length, path)
        papers.append(Paper(path, length, source.scan))
        left -= length
    return papers


def _sources(folder: Path) -> list[Paper]:
    """In the order in which documents are taken from them."""
    made = folder / "sources"
    made.mkdir()
    if GAZETTE.is_file():
        small, large = Paper(GAZETTE, 468, False), Paper(SCAN_TEXT, 192, False)
        return [small, large, small, _scans(made / "scans.pdf")]
    clean = Paper(dense_document(made / "clean.pdf", 60), 60, False)
    return [clean, clean, clean, _grainy(clean, made / "scans.pdf")]


def _scans(path: Path) -> Paper:
    """All scanned pages of the corpus in one file."""
    import pypdfium2

    gathered = pypdfium2.PdfDocument.new()
    for pattern in _SCANS:
        for source in sorted(_SHELF.glob(f"{pattern}.pdf")):
            gathered.import_pages(pypdfium2.PdfDocument(source))
    gathered.save(path)
    return Paper(path, len(gathered), True)


def _grainy(clean: Paper, path: Path) -> Paper:
    """The same pages as a scanner sees them."""
    import numpy as np
    import pypdfium2
    from PIL import Image

    grain = np.random.default_rng(7)
    document = pypdfium2.PdfDocument(clean.path)
    images = []
    for number in range(20):
        pixels = document[number].render(scale=150 / 72, grayscale=True).to_numpy().astype(np.int16)
        noisy = np.clip(pixels * 0.85 + grain.normal(0, 9, pixels.shape), 0, 255).astype(np.uint8)
        images.append(Image.open(io.BytesIO(_jpeg(Image.fromarray(noisy)))))
    images[0].save(path, "PDF", save_all=True, append_images=images[1:], resolution=150)
    return Paper(path, len(images), True)


def _jpeg(image: object) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=75)  # type: ignore[attr-defined]
    return sink.getvalue()


def _cut(source: Path, count: int, first: int, length: int, path: Path) -> None:
    """So many pages from there on, from the beginning again when it ends."""
    import pypdfium2

    document, piece = pypdfium2.PdfDocument(source), pypdfium2.PdfDocument.new()
    piece.import_pages(document, pages=[(first + number) % count for number in range(length)])
    piece.save(path)
    piece.close()
    document.close()
