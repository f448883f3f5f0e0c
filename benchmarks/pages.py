"""Pages for benchmarks: the shared corpus's long gazette where it is, else pages made here."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GAZETTE = ROOT.parent / "shared" / "corpus" / "gazettes" / "2009 code irpp-is.pdf"
SCAN_TEXT = ROOT.parent / "shared" / "corpus" / "gazettes" / "procédure pénale.pdf"


def long_document(folder: Path, pages: int = 400) -> tuple[Path, int]:
    """A born-digital document and its number of pages."""
    if GAZETTE.is_file():
        return GAZETTE, 468
    return dense_document(folder / "made.pdf", pages), pages


def french_document(folder: Path) -> tuple[Path, int]:
    """A document in French that an engine really reads, and how many pages to read of it."""
    if SCAN_TEXT.is_file():
        return SCAN_TEXT, 8
    sample = ROOT / "samples" / "pages" / "Bulletin-2741.pdf"
    import pypdfium2

    document = pypdfium2.PdfDocument(sample)
    try:
        return sample, len(document)
    finally:
        document.close()


def dense_document(path: Path, pages: int) -> Path:
    """Pages of A5 covered with small bars, as text covers a page."""
    from PIL import Image, ImageDraw

    images = []
    for number in range(20):
        image = Image.new("1", (874, 1240), 1)
        draw = ImageDraw.Draw(image)
        for row in range(60, 1180, 18):
            column = 70
            while column < 790:
                width = 6 + (number * 31 + row * 7 + column * 13) % 40
                draw.rectangle((column, row, min(column + width, 800), row + 9), fill=0)
                column += width + 7
        images.append(image)
    repeated = [images[number % len(images)] for number in range(pages)]
    repeated[0].save(path, "PDF", save_all=True, append_images=repeated[1:], resolution=150)
    return path
