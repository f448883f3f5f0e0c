"""Pages that are image files, as grey pixels, by Pillow. Imported in children and tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from bocr_worker.render import grey
from bocr_worker.render.drawn import POINTS_PER_INCH, Drawn, fit
from bocr_worker.render.kept import Kept
from bocr_worker.render.page import RenderFailed

if TYPE_CHECKING:
    from bocr_worker.render.page import RenderOrder

FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "WEBP")
"""What counts as an image document. MPO is a telephone's JPEG with a second picture behind the first."""

EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "MPO": "jpg", "TIFF": "tif", "BMP": "bmp", "WEBP": "webp"}

_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)
"""Values of EXIF's orientation, and what each takes to stand upright."""

_DEFAULT_DPI = (72, 96)
"""What software writes that knows nothing: believed only where the page comes out at most A3."""

_A3_INCHES = 17.0
_SANE_DPI = (50.0, 2400.0)
_SANE_INCHES = (1.0, 48.0)
_A4_INCHES = 11.69
_ESTIMATED_DPI = (72.0, 600.0)

_MOST_ENLARGED = 2.0
"""An image holds no more than its own pixels; twice their number still helps an engine with small letters."""

_CLOSE_ENOUGH = (0.85, 1.15)
"""A resolution this near to what is wanted is left alone: resampling would only blur it."""

_MOST_DECODED_BYTES = 600 * 1024 * 1024


def draw(order: RenderOrder) -> Drawn:
    """Draw one page (frame `page - 1`). Raises RenderFailed for whatever is wrong with the file."""
    with _failures(order), _frame(order) as image:
        width_pt, height_pt = size_pt(image)
        native_dpi = POINTS_PER_INCH * max(displayed_px(image)) / max(width_pt, height_pt)
        wanted_dpi = min(order.dpi, native_dpi * _MOST_ENLARGED)
        low, high = _CLOSE_ENOUGH
        if low <= wanted_dpi / native_dpi <= high:
            wanted_dpi = native_dpi
        size = fit(width_pt, height_pt, wanted_dpi, order.max_pixels)
        target = (size.width_px, size.height_px)
        _shrink_while_decoding(image, target)
        _check_memory(image)
        pixels = np.asarray(_resized(_upright(image), target))
        return Drawn(pixels, size.dpi, size.capped)


def forget() -> None:
    """Close the file that is kept open."""
    _kept.forget()


def open_image(path: str) -> Image.Image:
    """Open, and read the header only. Raises what Pillow raises; the size is for the caller to judge."""
    with any_size():
        return Image.open(path, formats=FORMATS)


def displayed_px(image: Image.Image) -> tuple[int, int]:
    """Width and height once the image is turned as its metadata says."""
    width_px, height_px = image.size
    sideways = image.getexif().get(_ORIENTATION) in _SIDEWAYS
    return (height_px, width_px) if sideways else (width_px, height_px)


def size_pt(image: Image.Image) -> tuple[float, float]:
    """The page's width and height as displayed, in points: from the resolution in its metadata where that
    is sane, else as if its longer side were that of A4."""
    width_px, height_px = image.size
    across_dpi, down_dpi = _dpi(image, width_px, height_px)
    width_pt, height_pt = width_px * POINTS_PER_INCH / across_dpi, height_px * POINTS_PER_INCH / down_dpi
    sideways = image.getexif().get(_ORIENTATION) in _SIDEWAYS
    return (height_pt, width_pt) if sideways else (width_pt, height_pt)


def _dpi(image: Image.Image, width_px: int, height_px: int) -> tuple[float, float]:
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        across = down = 0.0
    if min(across, down) > 0:
        longest_inches = max(width_px / across, height_px / down)
        most_inches = _A3_INCHES if round(across) in _DEFAULT_DPI else _SANE_INCHES[1]
        sane = all(_SANE_DPI[0] <= value <= _SANE_DPI[1] for value in (across, down))
        # Fax is the only honest kind of oblong pixel: 204 by 98 or 391 to the inch.
        if sane and 0.4 <= across / down <= 2.5 and _SANE_INCHES[0] <= longest_inches <= most_inches:
            return across, down
    low, high = _ESTIMATED_DPI
    estimated = min(high, max(low, max(width_px, height_px) / _A4_INCHES))
    return estimated, estimated


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


def _upright(image: Image.Image) -> Image.Image:
    decoded = grey.to_grey(image)
    # Asked after decoding: Pillow turns a TIFF by itself and then forgets the tag.
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return decoded if turn is None else decoded.transpose(turn)


def _resized(image: Image.Image, target: tuple[int, int]) -> Image.Image:
    if image.size == target:
        return image
    if target[0] > image.width:
        return image.resize(target, Image.Resampling.BICUBIC)
    return image.resize(target, Image.Resampling.LANCZOS, reducing_gap=3.0)


_kept: Kept[Image.Image] = Kept(open_image, lambda image: image.close())


@contextlib.contextmanager
def _frame(order: RenderOrder) -> Iterator[Image.Image]:
    image = _kept.get(order.path)
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
