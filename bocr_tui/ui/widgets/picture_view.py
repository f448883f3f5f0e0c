"""A page's image with its boxes, and below it the line one stands on, enlarged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from bocr_tui.ui.halfcells import CROP_ROWS, Mark, block, overview, zoomed
from bocr_tui.ui.safe_text import clean, is_right_to_left, wrap
from bocr_tui.ui.text_layout import ReadLine
from bocr_tui.ui.widgets.tones import tone_colour, tone_style
from bocr_tui.ui.wording import confidence_tone
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from PIL.Image import Image

CROP_FROM_ROWS = 14
"""A pane lower than this shows the page alone."""

WIDE = 2.6
"""Columns to rows from which on a page leaves more room beside it than below it."""

PAGE_SHAPE = 0.78
"""Width to height of the pages there are: a little wider than A4."""


@dataclass(frozen=True)
class _Plan:
    """How many cells the page and the crop have."""

    page_columns: int
    page_rows: int
    crop_columns: int = 0
    crop_rows: int = 0
    beside: bool = False


class PictureView(Widget):
    """Shows an image, or a sentence in its place. Strips are made in a thread, for the size there is."""

    def __init__(self, *, id: str | None = None, crop: bool = False) -> None:
        super().__init__(id=id)
        self._crop = crop
        self._image: Image | None = None
        self._lines: tuple[ReadLine, ...] = ()
        self._chosen: int | None = None
        self._zoomed: Image | None = None
        self._strips: list[Strip] = []
        self._says = ""

    @property
    def image(self) -> Image | None:
        return self._image

    @property
    def zoomed(self) -> bool:
        """Whether the chosen block fills the pane."""
        return self._zoomed is not None

    @property
    def can_zoom(self) -> bool:
        chosen = self._line_chosen()
        return self._image is not None and chosen is not None and chosen.box is not None

    def zoom(self, image: Image | None) -> None:
        """Fill the pane with the chosen block, cut out of this image of the page; None: the page again."""
        if image is not self._zoomed:
            self._zoomed = image
            self._remake()

    def say(self, text: str) -> None:
        """A sentence in the place of an image."""
        self._image, self._strips, self._says = None, [], clean(text)
        self.refresh()

    def show(self, image: Image) -> None:
        self._image, self._says = image, ""
        self._remake()

    def mark(self, lines: Sequence[ReadLine], chosen: int | None) -> None:
        """The boxes to draw, and which line is chosen."""
        self._lines, self._chosen = tuple(lines), chosen
        self._remake()

    def on_resize(self) -> None:
        self._remake()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self._remake()

    def _remake(self) -> None:
        if self._image is not None and self.size.width > 1 and self.size.height > 1:
            begin(self, partial(self._make, self._image), group=f"strips-{id(self)}")

    async def _make(self, image: Image) -> None:
        """Strips for the present size, marks and choice."""
        chosen, whole = self._line_chosen(), self._zoomed
        plan = self._plan(chosen)
        ink = self.styles.color.rgb
        marks = self._marks()

        size = self.size

        def draw() -> list[Strip]:
            if whole is not None and chosen is not None and chosen.box is not None:
                return block(whole, chosen.box, size, ink, from_right=is_right_to_left(chosen.text))
            page = overview(image, plan.page_columns, plan.page_rows, marks)
            if chosen is None or chosen.box is None or not plan.crop_rows:
                return page
            right = is_right_to_left(chosen.text)
            crop = zoomed(image, chosen.box, plan.crop_columns, plan.crop_rows, ink, from_right=right)
            return _beside(page, crop, plan) if plan.beside else [*page, *crop]

        self._strips = await asyncio.to_thread(draw)
        self.refresh()

    def _line_chosen(self) -> ReadLine | None:
        if self._chosen is None or not 0 <= self._chosen < len(self._lines):
            return None
        return self._lines[self._chosen]

    def _plan(self, chosen: ReadLine | None) -> _Plan:
        """Where the page and the crop lie: the crop beside the page where the pane is wide, else below."""
        columns, rows = self.size
        if not self._crop or chosen is None or chosen.box is None or rows < CROP_FROM_ROWS:
            return _Plan(columns, rows)
        if columns >= rows * WIDE:
            page = int(rows * 2 * PAGE_SHAPE)
            return _Plan(page, rows, columns - page - 2, rows, beside=True)
        pieces = 3 if rows >= 40 else 2 if rows >= 28 else 1
        return _Plan(columns, rows - pieces * CROP_ROWS, columns, pieces * CROP_ROWS)

    def _marks(self) -> list[Mark]:
        marks = []
        for index, line in enumerate(self._lines):
            if line.box is None:
                continue
            tone = "chosen" if index == self._chosen else box_tone(line)
            number = index + 1 if line.label != "line" else None
            marks.append(Mark(line.box, tone_colour(self, tone).rgb, index == self._chosen, number))
        return marks

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        if self._says:
            pieces = wrap(self._says, max(8, width - 4))
            line = y - max(1, self.size.height // 3)
            text = pieces[line].center(width) if 0 <= line < len(pieces) else ""
            return Strip([Segment(text, base + tone_style(self, "muted"))]).adjust_cell_length(width, base)
        if y >= len(self._strips):
            return Strip.blank(width, base)
        return self._strips[y].apply_style(base).adjust_cell_length(width, base)


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


def _beside(page: list[Strip], crop: list[Strip], plan: _Plan) -> list[Strip]:
    """The page's strips with the crop's to their right, in the middle of the height."""
    gap = Strip.blank(2)
    empty = Strip.blank(plan.crop_columns)
    above = max(0, (len(page) - len(crop)) // 2)
    right = [*[empty] * above, *crop, *[empty] * len(page)]
    return [Strip.join([strip, gap, right[line]]) for line, strip in enumerate(page)]
