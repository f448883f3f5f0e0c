"""What was read on a page, line by line, with a cursor and each line's confidence at its left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.safe_text import clean, fit, is_right_to_left, wrap
from bocr_tui.ui.widgets.tones import tone_style
from bocr_tui.ui.wording import confidence_tone, percent

GUTTER_CELLS = 4
MOST_LINES = 20_000
"""Lines shown of one page: a runaway answer must not fill the memory; what is left out is said."""

MOST_CHARACTERS = 4_000
"""Characters shown of one line, for the same reason."""


@dataclass(frozen=True)
class ReadLine:
    """One block of a recognition. `box` is in fractions of the page; None: unknown."""

    text: str
    confidence: float | None = None
    box: tuple[float, float, float, float] | None = None
    label: str = "line"


@dataclass(frozen=True)
class _Drawn:
    block: int
    text: str
    first: bool
    right_to_left: bool


class TextPane(ScrollView, can_focus=True):
    """Shows ReadLines wrapped to its width; `cursor` is the index of the block one stands on."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "text--line",
        "text--cursor",
        "text--cursor-blurred",
    }

    BINDINGS: ClassVar = with_ids(
        "text_pane",
        [
            Binding("j,down", "move(1)", "Next line", show=False, tooltip="To the next line of the text."),
            Binding("k,up", "move(-1)", "Line before", show=False, tooltip="To the line before."),
            Binding(
                "pagedown,ctrl+f,ctrl+d", "move(12)", "Lines down", show=False, tooltip="Twelve lines down."
            ),
            Binding("pageup,ctrl+b,ctrl+u", "move(-12)", "Lines up", show=False, tooltip="Twelve lines up."),
            Binding("g,home", "jump(0)", "First line", show=False, tooltip="To the first line."),
            Binding("G,end", "jump(-1)", "Last line", show=False, tooltip="To the last line."),
        ],
    )

    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor stands on another block."""

        def __init__(self, block: int) -> None:
            super().__init__()
            self.block = block

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[ReadLine, ...] = ()
        self._drawn: list[_Drawn] = []
        self._says = ""

    def show(self, lines: Sequence[ReadLine], says: str = "") -> None:
        """Show these lines; `says` stands in their place when there are none."""
        self._lines, self._says = tuple(lines[:MOST_LINES]), clean(says)
        if len(lines) > MOST_LINES:
            self._says = f"{len(lines) - MOST_LINES:,} more lines are not shown."
        self.set_reactive(TextPane.cursor, 0)
        self._wrap()
        self.scroll_to(0, 0, animate=False)

    def on_resize(self) -> None:
        self._wrap()

    def _wrap(self) -> None:
        width = max(8, self.scrollable_content_region.width - GUTTER_CELLS)
        self._drawn = []
        for block, line in enumerate(self._lines):
            text = clean(line.text[:MOST_CHARACTERS]).strip()
            right = is_right_to_left(text)
            for number, piece in enumerate(wrap(text, width)):
                self._drawn.append(_Drawn(block, piece, number == 0, right))
        self._drawn.extend(_Drawn(-1, piece, False, False) for piece in wrap(self._says, width) if piece)
        self.virtual_size = Size(self.size.width, len(self._drawn))
        self.refresh()

    def watch_cursor(self, _old: int, new: int) -> None:
        self.refresh()
        lines = [number for number, drawn in enumerate(self._drawn) if drawn.block == new]
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if lines and lines[0] < top:
            self.scroll_to(y=lines[0], animate=False)
        elif lines and lines[-1] >= top + height:
            self.scroll_to(y=lines[-1] - height + 1, animate=False)
        self.post_message(self.Moved(new))

    def action_move(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, len(self._lines) - 1))

    def action_jump(self, index: int) -> None:
        self.cursor = index if index >= 0 else max(0, len(self._lines) - 1)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = -1 if offset is None else offset.y + self.scroll_offset.y
        if 0 <= line < len(self._drawn) and self._drawn[line].block >= 0:
            self.cursor = self._drawn[line].block

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        base = self.get_component_rich_style("text--line")
        if index >= len(self._drawn):
            return Strip.blank(width, base)
        drawn = self._drawn[index]
        if drawn.block < 0:
            style = base + tone_style(self, "muted")
            return Strip([Segment(drawn.text, style)]).adjust_cell_length(width, style)
        if drawn.block == self.cursor:
            base = self.get_component_rich_style("text--cursor" if self.has_focus else "text--cursor-blurred")
        line = self._lines[drawn.block]
        gutter = percent(line.confidence) if drawn.first else ""
        tone = tone_style(self, confidence_tone(line.confidence))
        align = "right" if drawn.right_to_left else "left"
        text = fit(drawn.text, max(0, width - GUTTER_CELLS), align=align)
        return Strip(
            [Segment(f"{gutter:>{GUTTER_CELLS - 1}} ", base + tone), Segment(text, base)]
        ).adjust_cell_length(width, base)
