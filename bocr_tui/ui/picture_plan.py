"""Where on a pane the page and the enlarged line lie, and how each box is marked."""

from __future__ import annotations

from dataclasses import dataclass

from textual.geometry import Size
from textual.strip import Strip

from bocr_tui.ui.graphics.drawing import Area, PanePicture
from bocr_tui.ui.halfcells import CROP_ROWS, Mark, Rgb
from bocr_tui.ui.safe_text import is_right_to_left
from bocr_tui.ui.text_layout import ReadLine
from bocr_tui.ui.wording import confidence_tone

CROP_FROM_ROWS = 14
"""A pane lower than this shows the page alone."""

WIDE = 2.6
"""Columns to rows from which on a page leaves more room beside it than below it."""

PAGE_SHAPE = 0.78
"""Width to height of the pages there are: a little wider than A4."""


@dataclass(frozen=True)
class Plan:
    """How many cells the page and the crop have."""

    page_columns: int
    page_rows: int
    crop_columns: int = 0
    crop_rows: int = 0
    beside: bool = False


def plan_of(size: Size, chosen: ReadLine | None) -> Plan:
    """The crop beside the page where the pane is wide, else below; none where there is nothing to enlarge or
    no room."""
    columns, rows = size
    if chosen is None or chosen.box is None or rows < CROP_FROM_ROWS:
        return Plan(columns, rows)
    if columns >= rows * WIDE:
        page = int(rows * 2 * PAGE_SHAPE)
        return Plan(page, rows, columns - page - 2, rows, beside=True)
    pieces = 3 if rows >= 40 else 2 if rows >= 28 else 1
    return Plan(columns, rows - pieces * CROP_ROWS, columns, pieces * CROP_ROWS)


def in_pixels(
    plan: Plan,
    size: Size,
    cell_px: tuple[int, int],
    chosen: ReadLine | None,
    marks: list[Mark],
    ground: Rgb,
    *,
    only_crop: bool,
) -> PanePicture:
    """The same plan for a terminal that draws pixels; `only_crop`: the chosen block fills the pane."""
    wide, high = cell_px
    box = None if chosen is None else chosen.box
    whole = Area(0, 0, size.width * wide, size.height * high)
    right = chosen is not None and is_right_to_left(chosen.text)
    if only_crop and box is not None:
        return PanePicture(whole.width, whole.height, ground, crop_area=whole, box=box, from_right=right)
    page = Area(0, 0, plan.page_columns * wide, plan.page_rows * high)
    crop = None
    if plan.crop_rows:
        left, top = (plan.page_columns + 2, 0) if plan.beside else (0, plan.page_rows)
        gap = 0 if plan.beside else high // 2
        crop = Area(left * wide, top * high + gap, plan.crop_columns * wide, plan.crop_rows * high - gap)
    return PanePicture(whole.width, whole.height, ground, page, crop, box, tuple(marks), right)


_LABEL_TONES = {
    "title": "accent",
    "section-header": "accent",
    "table": "ok",
    "form": "ok",
    "image": "busy",
    "figure": "busy",
    "picture": "busy",
    "caption": "busy",
    "equation-block": "gave-up",
    "equation": "gave-up",
    "page-header": "muted",
    "page-footer": "muted",
    "footnote": "muted",
}


def box_tone(line: ReadLine) -> str:
    """A line by how sure it is, a block by what it is."""
    if line.label == "line":
        return confidence_tone(line.confidence)
    return _LABEL_TONES.get(line.label, "waiting")


def side_by_side(page: list[Strip], crop: list[Strip], plan: Plan) -> list[Strip]:
    """The page's strips with the crop's to their right, in the middle of the height."""
    gap = Strip.blank(2)
    empty = Strip.blank(plan.crop_columns)
    above = max(0, (len(page) - len(crop)) // 2)
    right = [*[empty] * above, *crop, *[empty] * len(page)]
    return [Strip.join([strip, gap, right[line]]) for line, strip in enumerate(page)]
