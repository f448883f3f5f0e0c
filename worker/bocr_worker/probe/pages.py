"""Counts the pages of a document and asks each for its size. pdfium and Pillow are imported inside."""

from __future__ import annotations

import contextlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bocr_worker.probe.report import DAMAGED, PARTIAL, READY
from bocr_worker.render.opening import open_pdf

if TYPE_CHECKING:
    from PIL import Image

_MOST_FAILURES_IN_A_ROW = 1000
"""A page count can lie by a million: after so many pages that are not there the rest is not tried."""

_MOST_FRAMES = 100_000


@dataclass
class Pages:
    """What was found: state and reason as in ProbeReport."""

    sizes_pt: array[float] = field(default_factory=lambda: array("f"))
    unloadable: list[int] = field(default_factory=list)
    state: str = READY
    reason: str = ""

    def conclude(self) -> Pages:
        """Set state and reason from the pages that failed."""
        if self.unloadable:
            count = len(self.sizes_pt) // 2
            self.state = PARTIAL
            self.reason = f"{len(self.unloadable):,} of {count:,} pages cannot be loaded"
        return self

    def give_up(self, claimed: int) -> Pages:
        """So many pages in a row are not there that the count is a lie: keep those up to the last real."""
        while self.unloadable and self.unloadable[-1] == len(self.sizes_pt) // 2:
            self.unloadable.pop()
            del self.sizes_pt[-2:]
        count = len(self.sizes_pt) // 2
        self.state = PARTIAL if count else DAMAGED
        found = f"no more than {count:,} were found" if count else "none of the first can be loaded"
        self.reason = f"claims to have {claimed:,} pages; {found}"
        return self


def pdf_pages(path: str) -> Pages:
    """Raises OpenFailed where the document gives no pages at all, OSError where it cannot be read."""
    from pypdfium2 import raw

    document = open_pdf(path)
    with contextlib.closing(document):
        pages = Pages()
        count, size, failures = len(document), raw.FS_SIZEF(), 0
        for index in range(count):
            ok = raw.FPDF_GetPageSizeByIndexF(document, index, size)
            width_pt, height_pt = (size.width, size.height) if ok else (0.0, 0.0)
            if not (width_pt > 0 and height_pt > 0):
                width_pt, height_pt = _size_when_loaded(document, index)
            pages.sizes_pt.append(width_pt)
            pages.sizes_pt.append(height_pt)
            if width_pt > 0:
                failures = 0
                continue
            pages.unloadable.append(index + 1)
            failures += 1
            if failures >= _MOST_FAILURES_IN_A_ROW:
                return pages.give_up(count)
        return pages.conclude()


def _size_when_loaded(document: Any, index: int) -> tuple[float, float]:
    """A page without a size is loaded to be sure; 0, 0 where it cannot be drawn."""
    from pypdfium2 import PdfiumError

    try:
        with contextlib.closing(document[index]) as page:
            width_pt, height_pt = page.get_size()
    except (PdfiumError, ValueError, MemoryError):
        return 0.0, 0.0
    return (width_pt, height_pt) if width_pt > 0 and height_pt > 0 else (0.0, 0.0)


def image_pages(path: str) -> tuple[str, Pages]:
    """The extension by content, and the pages. Raises what Pillow raises for a file it cannot identify."""
    from bocr_worker.render import images, sheet

    with images.any_size(), contextlib.closing(images.open_image(path)) as opened:
        image = opened.image
        pages = Pages()
        extension = images.EXTENSIONS[image.format or ""]
        if extension != "tif":
            pages.sizes_pt.extend(sheet.size_pt(image))
        else:
            _frames(image, pages)
        return extension, pages


def _frames(image: Image.Image, pages: Pages) -> None:
    from bocr_worker.render import sheet

    for frame in range(_MOST_FRAMES):
        try:
            image.seek(frame)
            size_pt = sheet.size_pt(image)
        except EOFError:
            return
        except Exception:  # noqa: BLE001 - Pillow raises many kinds on a broken directory of frames
            pages.state = PARTIAL if frame else DAMAGED
            beyond = f"cannot be read beyond page {frame}: the file is damaged there"
            pages.reason = beyond if frame else "is a damaged TIFF image"
            return
        pages.sizes_pt.extend(size_pt)
