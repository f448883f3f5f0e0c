"""Pages of PDF files as grey pixels, by pdfium.

The last document stays open, so that page after page of one document costs no reopening. Imported in
children and tests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pypdfium2

from bocr_worker.render import missing
from bocr_worker.render.drawn import POINTS_PER_INCH, Drawn, fit
from bocr_worker.render.kept import Kept
from bocr_worker.render.opening import OpenFailed, open_pdf
from bocr_worker.render.page import RenderFailed

if TYPE_CHECKING:
    from bocr_worker.render.page import RenderOrder


def _open(path: str) -> Any:
    document = open_pdf(path)
    with contextlib.suppress(pypdfium2.PdfiumError):
        document.init_forms()  # before any page is loaded, or filled-in forms stay invisible
    return document


_kept: Kept[Any] = Kept(_open, lambda document: document.close())


def draw(order: RenderOrder) -> Drawn:
    """Draw one page. Raises RenderFailed for whatever is wrong with the file or the page."""
    with _failures(order):
        document = _kept.get(order.path)
        count = len(document)
        if not 1 <= order.page <= count:
            raise RenderFailed(f"the document has no page {order.page}: it ends at page {count}")
        try:
            page = document[order.page - 1]
        except pypdfium2.PdfiumError:
            raise RenderFailed("the page cannot be loaded: the file is damaged there") from None
        with contextlib.closing(page):
            size = fit(page.get_width(), page.get_height(), order.dpi, order.max_pixels, order.least_side_px)
            # A hair less, so that rounding up gives no more than the size that was found.
            scale = size.dpi / POINTS_PER_INCH * (1 - 1e-9)
            bitmap = page.render(scale=scale, grayscale=True)
            pixels = bitmap.to_numpy()
            bitmap.close()
            return Drawn(pixels, size.dpi, size.capped)


def check_images(order: RenderOrder, drawn: Drawn, *, blank: bool) -> None:
    """For a page with next to no ink: raises RenderFailed where pdfium left a picture out."""
    with _failures(order), contextlib.closing(_kept.get(order.path)[order.page - 1]) as page:
        missing.check_images(page, drawn.pixels, blank=blank)


def forget() -> None:
    """Close the document that is kept open."""
    _kept.forget()


@contextlib.contextmanager
def _failures(order: RenderOrder) -> Iterator[None]:
    """Whatever goes wrong becomes RenderFailed with a sentence."""
    try:
        yield
    except RenderFailed:
        raise
    except OpenFailed as failed:
        raise RenderFailed(f"the document {failed.reason}") from None
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise RenderFailed(f"the document cannot be read: {cause}", order.path) from None
    except MemoryError:
        forget()
        raise RenderFailed("drawing the page needs more memory than it may use", "MemoryError") from None
    except Exception as error:  # noqa: BLE001 - pdfium's bindings raise ValueError and others on odd pages
        raise RenderFailed("the page cannot be drawn", f"{type(error).__name__}: {error}"[:500]) from None
