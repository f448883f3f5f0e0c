"""Pages that are image files, as grey pixels, by Pillow. Imported in children and tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from bocr_worker.render import grey, sheet
from bocr_worker.render.drawn import POINTS_PER_INCH, Drawn, fit
from bocr_worker.render.kept import Kept
from bocr_worker.render.page import RenderFailed

if TYPE_CHECKING:
    from bocr_worker.render.page import RenderOrder

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP")
"""What counts as an image document."""

EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "TIFF": "tif", "BMP": "bmp", "WEBP": "webp"}
"""By Pillow's name of the format. MPO is a telephone's JPEG with a second picture behind the first."""

_MOST_ENLARGED = 2.0
"""An image holds no more than its own pixels; twice their number still helps an engine with small letters."""

_CLOSE_ENOUGH = (0.85, 1.15)
"""A resolution this near to what is wanted is left alone: resampling would only blur it."""

_MOST_DECODED_BYTES = 600 * 1024 * 1024


def draw(order: RenderOrder) -> Drawn:
    """Draw one page (frame `page - 1`). Raises RenderFailed for whatever is wrong with the file."""
    with _failures(order), _frame(order) as image:
        width_pt, height_pt = sheet.size_pt(image)
        expected_px = sheet.displayed_px(image)
        native_dpi = POINTS_PER_INCH * max(expected_px) / max(width_pt, height_pt)
        least_dpi = order.least_side_px * POINTS_PER_INCH / min(width_pt, height_pt)
        wanted_dpi = min(max(order.dpi, least_dpi), native_dpi * _MOST_ENLARGED)
        low, high = _CLOSE_ENOUGH
        if low <= wanted_dpi / native_dpi <= high:
            wanted_dpi = native_dpi
        size = fit(width_pt, height_pt, wanted_dpi, order.max_pixels)
        target = (size.width_px, size.height_px)
        _shrink_while_decoding(image, target)
        _check_memory(image)
        upright = sheet.upright(image, grey.to_grey(image))
        if _is_wide(upright.size) != _is_wide(expected_px):
            target = (target[1], target[0])  # a PNG may say only behind its pixels that it lies sideways
        pixels = np.asarray(_resized(upright, target))
        return Drawn(pixels, size.dpi, size.capped)


def forget() -> None:
    """Close the file that is kept open."""
    _kept.forget()


@dataclass
class OpenImage:
    """An image of which the header is read, and its file.

    Pillow is given the file, not its name: by name it maps an uncompressed TIFF into memory, which garbles
    one that is stored sideways (Pillow 13.0) and kills the process when the file shrinks.
    """

    file: BinaryIO
    image: Image.Image

    def close(self) -> None:
        self.image.close()
        self.file.close()


def open_image(path: str) -> OpenImage:
    """Raises what Pillow raises; the size is for the caller to judge."""
    file = Path(path).open("rb")  # noqa: SIM115 - it stays open as long as the image does
    try:
        with any_size():
            return OpenImage(file, Image.open(file, formats=FORMATS))
    except BaseException:
        file.close()
        raise


def _shrink_while_decoding(image: Image.Image, target: tuple[int, int]) -> None:
    """JPEG can be decoded at a half, a quarter or an eighth: never below the target's size, and to grey at
    once."""
    if image.format in ("JPEG", "MPO"):
        longest, shortest = max(target), min(target)
        width_px, height_px = image.size
        # The draft is in the file's own orientation, which may be sideways.
        own = (longest, shortest) if width_px >= height_px else (shortest, longest)
        image.draft("L" if image.mode in ("L", "RGB") else None, own)


def _check_memory(image: Image.Image) -> None:
    width_px, height_px = image.size
    decoded_bytes = width_px * height_px * grey.bytes_per_pixel(image.mode)
    if decoded_bytes > _MOST_DECODED_BYTES:
        raise RenderFailed(
            f"the image has {width_px:,} x {height_px:,} pixels: it needs more memory than it may use",
            f"{decoded_bytes:,} bytes",
        )


def _is_wide(size_px: tuple[int, int]) -> bool:
    return size_px[0] > size_px[1]


def _resized(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    if image.size == target:
        return image
    if target[0] > image.width:
        return image.resize(target, Image.Resampling.BICUBIC)
    return image.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


_kept: Kept[OpenImage] = Kept(open_image, OpenImage.close)


@contextlib.contextmanager
def _frame(order: RenderOrder) -> Iterator[Image.Image]:
    image = _kept.get(order.path).image
    try:
        with any_size():
            _seek(image, order.page)
            yield image
    finally:
        _release(image, order.page)


def _seek(image: Image.Image, page: int) -> None:
    """Pages of a TIFF are its frames; any other format is one page, animated or not."""
    try:
        if image.format == "TIFF" and page >= 1:
            image.seek(page - 1)
            return
    except EOFError:
        pass
    if page != 1:
        raise RenderFailed(f"the document has no page {page}")


def _release(image: Image.Image, page: int) -> None:
    """Only a TIFF with a next page stays open, standing there: no decoded page is to be carried along."""
    if image.format != "TIFF":
        forget()
        return
    try:
        image.seek(page)
    except Exception:  # noqa: BLE001 - no next page, or a damaged one: then nothing is worth keeping
        forget()


@contextlib.contextmanager
def any_size() -> Iterator[None]:
    """Pillow's own limit is lifted: it would refuse large pages that a draft or the memory limit allows."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@contextlib.contextmanager
def _failures(order: RenderOrder) -> Iterator[None]:
    """Whatever goes wrong becomes RenderFailed with a sentence."""
    try:
        yield
    except RenderFailed:
        raise
    except MemoryError:
        forget()
        raise RenderFailed("decoding the image needs more memory than it may use", "MemoryError") from None
    except UnidentifiedImageError:
        raise RenderFailed("the file is not a readable image") from None
    except OSError as error:
        forget()
        if error.errno is not None:
            cause = error.strerror or type(error).__name__
            raise RenderFailed(f"the document cannot be read: {cause}", order.path) from None
        raise RenderFailed("the image is damaged or cut short", str(error)[:500]) from None
    except Exception as error:  # noqa: BLE001 - decoders raise struct.error, SyntaxError, EOFError and more
        forget()
        raise RenderFailed("the image is damaged", f"{type(error).__name__}: {error}"[:500]) from None
