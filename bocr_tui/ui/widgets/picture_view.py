"""A page's image with its boxes, and below it the line one stands on, enlarged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from itertools import count
from random import randrange
from typing import TYPE_CHECKING, NamedTuple

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from bocr_tui.ui.graphics import kitty
from bocr_tui.ui.halfcells import Mark, Rgb, block, overview
from bocr_tui.ui.picture_plan import Plan, box_tone, in_pixels, plan_of, side_by_side
from bocr_tui.ui.safe_text import clean, is_right_to_left, wrap
from bocr_tui.ui.terminal_facts import Images, TerminalFacts
from bocr_tui.ui.text_layout import ReadLine
from bocr_tui.ui.widgets.tones import tone_colour, tone_style
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from PIL.Image import Image

_ids = count(randrange(1, 1 << 16) << 6)  # noqa: S311 - no secret: other programs' images are not hit
"""Names of images in the terminal, below 2**24: a colour of a cell says which it stands for."""

_forgotten: list[int] = []
"""Names whose pictures are no longer shown: freed with the next image that is sent."""


class _Order(NamedTuple):
    """Everything a picture depends on, taken on the loop for the thread that draws."""

    image: Image
    size: Size
    plan: Plan
    chosen: ReadLine | None
    marks: list[Mark]
    ink: Rgb
    ground: Rgb
    only_crop: bool


class _Made(NamedTuple):
    """Lines of cells, and what is sent to the terminal beside them."""

    strips: list[Strip]
    sent: str = ""


class PictureView(Widget):
    """Shows an image, or a sentence in its place. Everything is prepared in a thread, for the size there is.

    `crop`: the chosen line is shown enlarged, too. `pixels`: drawn in pixels where the terminal can; without,
    in half cells, as befits what changes with every key.
    """

    def __init__(self, *, id: str | None = None, crop: bool = False, pixels: bool = False) -> None:
        super().__init__(id=id)
        self._crop = crop
        self._pixels = pixels
        self._image: Image | None = None
        self._lines: tuple[ReadLine, ...] = ()
        self._chosen: int | None = None
        self._zoomed: Image | None = None
        self._made = _Made([])
        self._unsent = False
        self._torn = False
        self._image_id = next(_ids)
        self._says = ""

    def on_mount(self) -> None:
        self.app.app_resume_signal.subscribe(self, lambda _: self._send_again())

    def on_unmount(self) -> None:
        _forgotten.append(self._image_id)

    @property
    def image(self) -> Image | None:
        return self._image

    @property
    def zoomed(self) -> bool:
        """Whether the chosen block fills the pane."""
        return self._zoomed is not None

    @property
    def can_zoom(self) -> bool:
        return not self.why_no_zoom

    @property
    def why_no_zoom(self) -> str:
        """Why there is no block to enlarge; empty where there is one."""
        if self._image is None:
            return self._says if self._says.endswith("…") else f"There is no image to enlarge. {self._says}"
        chosen = self._line_chosen()
        if chosen is None:
            return "There is no line here to enlarge."
        return "" if chosen.box is not None else "The engine gave no place in the image for this line."

    @property
    def _facts(self) -> TerminalFacts:
        facts = getattr(self.app, "terminal_facts", None)
        return facts if isinstance(facts, TerminalFacts) else TerminalFacts()

    def zoom(self, image: Image | None) -> None:
        """Fill the pane with the chosen block, cut out of this image of the page; None: the page again."""
        if image is not self._zoomed:
            self._zoomed = image
            self._remake()

    def say(self, text: str) -> None:
        """A sentence in the place of an image."""
        self._image, self._made, self._says = None, _Made([]), clean(text)
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
        """What is shown for the present size, marks and choice."""
        facts = self._facts
        if facts.images is Images.OFF:
            self._made, self._says = _Made([]), "Images are off; o opens the page's image elsewhere."
            self.refresh()
            return
        chosen = self._line_chosen()
        plan = plan_of(self.size, chosen if self._crop else None)
        ground = self.background_colors[1].rgb
        only_crop = self._zoomed is not None and chosen is not None and chosen.box is not None
        source = self._zoomed if only_crop and self._zoomed is not None else image
        ink = self.styles.color.rgb
        order = _Order(source, self.size, plan, chosen, self._marks(), ink, ground, only_crop)
        if self._pixels and facts.images in (Images.TGP, Images.SIXEL):
            self._made = await asyncio.to_thread(_in_pixels, order, facts, self._image_id)
            self._unsent = True
        else:
            self._made = _Made(await asyncio.to_thread(_in_cells, order))
        self.refresh()

    def _line_chosen(self) -> ReadLine | None:
        if self._chosen is None or not 0 <= self._chosen < len(self._lines):
            return None
        return self._lines[self._chosen]

    def _marks(self) -> list[Mark]:
        marks = []
        for index, line in enumerate(self._lines):
            if line.box is None:
                continue
            tone = "chosen" if index == self._chosen else box_tone(line)
            number = index + 1 if line.label != "line" else None
            marks.append(Mark(line.box, tone_colour(self, tone).rgb, index == self._chosen, number))
        return marks

    def _send_again(self) -> None:
        """The terminal was another program's for a while, and may have forgotten the image."""
        self._unsent = bool(self._made.sent)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.rich_style
        if self._says:
            pieces = wrap(self._says, max(8, width - 4))
            line = y - max(1, self.size.height // 3)
            text = pieces[line].center(width) if 0 <= line < len(pieces) else ""
            return Strip([Segment(text, base + tone_style(self, "muted"))]).adjust_cell_length(width, base)
        if y >= len(self._made.strips):
            return Strip.blank(width, base)
        return self._made.strips[y].apply_style(base).adjust_cell_length(width, base)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The cells, and with them what the terminal is sent beside: kitty's image once, before its cells;
        a sixel after the last line whenever any of it was drawn over."""
        strips = super().render_lines(crop)
        sent = self._made.sent
        if not sent or not strips or self._says or self.app.screen is not self.screen:
            return strips
        if self._made.strips:
            if self._unsent:
                self._unsent = False
                strips = [_with(sent, strips[0]), *strips[1:]]
        elif crop.bottom >= self.size.height:
            self._torn = False
            place = self.content_region
            drawn = f"\x1b7\x1b[{place.y + 1};{place.x + 1}H{sent}\x1b8"
            strips = [*strips[:-1], _with(drawn, strips[-1], after=True)]
        elif not self._torn:
            self._torn = True
            self.call_after_refresh(self.refresh)
        return strips


def _with(sent: str, strip: Strip, *, after: bool = False) -> Strip:
    """A line that carries what takes no cell."""
    unseen = Segment(sent, None, kitty.UNSEEN)
    return Strip([*strip, unseen] if after else [unseen, *strip], strip.cell_length)


def _in_cells(order: _Order) -> list[Strip]:
    """In a thread: half cells for the page, dots for a line."""
    chosen, plan = order.chosen, order.plan
    box = None if chosen is None else chosen.box
    right = chosen is not None and is_right_to_left(chosen.text)
    if order.only_crop and box is not None:
        return block(order.image, box, order.size, order.ink, from_right=right)
    page = overview(order.image, plan.page_columns, plan.page_rows, order.marks)
    if box is None or not plan.crop_rows:
        return page
    room = Size(plan.crop_columns, plan.crop_rows)
    crop = block(order.image, box, room, order.ink, from_right=right)
    return side_by_side(page, crop, plan) if plan.beside else [*page, *crop]


def _in_pixels(order: _Order, facts: TerminalFacts, image_id: int) -> _Made:
    """In a thread: the pane's pixels, encoded as the terminal takes them."""
    from bocr_tui.ui.graphics.drawing import drawn, png
    from bocr_tui.ui.graphics.sixel import encoded

    size = Size(min(order.size.width, kitty.MOST_CELLS), min(order.size.height, kitty.MOST_CELLS))
    wanted = in_pixels(
        order.plan, size, facts.cell_px, order.chosen, order.marks, order.ground, only_crop=order.only_crop
    )
    picture = drawn(order.image, wanted)
    if facts.images is Images.SIXEL:
        return _Made([], encoded(picture))
    freed = "".join(kitty.forgotten(_forgotten.pop()) for _ in range(len(_forgotten)))
    sent = freed + kitty.transmission(png(picture), image_id, *size)
    return _Made(kitty.cells(image_id, *size), sent)
