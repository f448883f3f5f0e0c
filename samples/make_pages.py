#!/usr/bin/env python3
"""Make samples/pages anew: what `make demo` reads.

    python samples/make_pages.py [--real FOLDER]

FOLDER holds the original real pages named in ATTRIBUTION.md; without it those in samples/pages stay.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path
from typing import Any

from gazette import scanning
from gazette.documents import Made, Order, PageKind, make_document, write_document
from gazette.unreadable import DOWNLOAD_ERROR, protected_pdf, without_last_page

PAGES = Path(__file__).resolve().parent / "pages"
_REAL = {
    "BN1984_4_1345a_default": ".jpg",
    "FRAN_0150_0003_L-medium": ".jpg",
    "capr12": ".png",
}
_REAL_WIDTH_PX = 1500
"""Real scans wider than this are reduced: typewriting stays well above 20 px a line."""
_REAL_QUALITY = 55


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, help="folder with the original real pages")
    options = parser.parse_args()
    _invented()
    _unreadable()
    if options.real is not None:
        _real(options.real)
    total = sum(path.stat().st_size for path in PAGES.iterdir())
    print(f"{PAGES}: {len(list(PAGES.iterdir()))} files, {total / 1e6:.2f} MB")
    return 0


def _invented() -> None:
    kind = PageKind
    orders = {
        "Bulletin-2718_Fr": Order("fr", [kind.TEXT, kind.TABLE, kind.NUMBER, kind.BLANK], 2718),
        "Bulletin-2741": Order("fr", [kind.TEXT, kind.TEXT], 2741, scan=True),
        "Journal-0912_Ar": Order("ar", [kind.TEXT, kind.TEXT], 912),
        "Journal-0940": Order("ar", [kind.TEXT], 940, scan=True),
        "Avis-couche": Order("fr", [kind.ROTATED], 31, scan=True),
    }
    for name, order in orders.items():
        write_document(PAGES, name, make_document(order))
    faded = make_document(Order("fr", [kind.FADED], 57))
    _write_image(PAGES / "Copie-pale.jpg", faded)
    gap = make_document(Order("fr", [kind.TEXT, kind.TEXT], 83))
    write_document(PAGES, "Lacunaire_Fr", Made(without_last_page(gap.pdf), (gap.truth[0], "")))


def _write_image(path: Path, made: Made) -> None:
    """The one page of a scanned document as the image it holds."""
    from PIL import Image

    page: Any = scanning.draw(made.pdf)[0]
    path.write_bytes(scanning.jpeg(Image.fromarray(page.astype("uint8")), 60))
    path.with_suffix(".gt.txt").write_text(made.truth[0], encoding="utf-8")


def _unreadable() -> None:
    (PAGES / "Protege.pdf").write_bytes(protected_pdf())
    (PAGES / "Telechargement.pdf").write_bytes(DOWNLOAD_ERROR)


def _real(folder: Path) -> None:
    from PIL import Image

    for stem, extension in _REAL.items():
        source = folder / f"{stem}{extension}"
        shutil.copyfile(folder / f"{stem}.gt.txt", PAGES / f"{stem}.gt.txt")
        with Image.open(source) as opened:
            if opened.width <= _REAL_WIDTH_PX:
                shutil.copyfile(source, PAGES / source.name)
                continue
            height = round(opened.height * _REAL_WIDTH_PX / opened.width)
            reduced = opened.convert("L").resize((_REAL_WIDTH_PX, height), Image.Resampling.LANCZOS)
            stream = io.BytesIO()
            reduced.save(stream, "JPEG", quality=_REAL_QUALITY, optimize=True)
            (PAGES / source.name).write_bytes(stream.getvalue())


if __name__ == "__main__":
    sys.exit(main())
