"""`columns`: a page of two columns becomes its columns, in reading order; mastheads, headings and tables that
span both stay whole, each in its place. A page askew is levelled first, since its gutter leans."""

from __future__ import annotations

from bocr_worker.prepare.base import Context, Piece, Step
from bocr_worker.prepare.deskew import find_skew, levelled
from bocr_worker.prepare.gutter import Band, find_bands
from bocr_worker.prepare.ink import find_ink

_SEARCH_DPI = 75.0
"""A hairline rule is still seen, and a letter is six cells high."""


def _columns(piece: Piece, context: Context) -> tuple[Piece, ...] | None:
    ink = find_ink(piece.pixels, context.dpi, _SEARCH_DPI, thin_strokes=True)
    degrees = find_skew(piece, context.dpi)
    if degrees:
        piece = levelled(piece, degrees, ink.paper)
        ink = find_ink(piece.pixels, context.dpi, _SEARCH_DPI, thin_strokes=True)
    bands = find_bands(ink.mask, ink.dpi)
    if all(band.gutter is None for band in bands):
        return None
    return tuple(part for band in bands for part in _parts(piece, band, ink.factor, context.right_to_left))


def _parts(piece: Piece, band: Band, factor: int, right_to_left: bool) -> tuple[Piece, ...]:
    top, bottom = band.top * factor, min(piece.height_px, band.bottom * factor)
    if band.gutter is None:
        return (piece.cut(0, top, piece.width_px, bottom),)
    middle = band.gutter * factor
    left = piece.cut(0, top, middle, bottom)
    right = piece.cut(middle, top, piece.width_px, bottom)
    return (right, left) if right_to_left else (left, right)


STEP = Step("columns", "two columns one after the other", _columns)
