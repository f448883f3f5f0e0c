"""How large the page is that an image shows, and which way up. Imported in children and tests."""

from __future__ import annotations

from PIL import Image

from bocr_worker.render.drawn import POINTS_PER_INCH

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


def displayed_px(image: Image.Image) -> tuple[int, int]:
    """Width and height once the image is turned as its metadata says."""
    width_px, height_px = image.size
    return (height_px, width_px) if _lies_sideways(image) else (width_px, height_px)


def size_pt(image: Image.Image) -> tuple[float, float]:
    """The page's width and height as displayed, in points: from the resolution in its metadata where that
    is sane, else as if its longer side were that of A4."""
    width_px, height_px = image.size
    across_dpi, down_dpi = _dpi(image, width_px, height_px)
    width_pt, height_pt = width_px * POINTS_PER_INCH / across_dpi, height_px * POINTS_PER_INCH / down_dpi
    return (height_pt, width_pt) if _lies_sideways(image) else (width_pt, height_pt)


def _lies_sideways(image: Image.Image) -> bool:
    if image.format == "TIFF":  # whose size Pillow gives as displayed
        return False
    exif = image.info.get("exif")
    if image.format == "PNG":  # whose getexif() would decode the whole image first
        found = Image.Exif()
        if exif:
            found.load(exif)
        return found.get(_ORIENTATION) in _SIDEWAYS
    return image.getexif().get(_ORIENTATION) in _SIDEWAYS


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


def upright(image: Image.Image, decoded: Image.Image) -> Image.Image:
    """`decoded` turned as the metadata of `image`, which has been decoded by now, say. Pillow turns a TIFF by
    itself and then forgets the tag."""
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return decoded if turn is None else decoded.transpose(turn)
