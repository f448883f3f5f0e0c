"""What was read on a page, block by block, with a cursor and each block's confidence at its left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bocr_tui.ui.bidi import as_seen, has_right_to_left
from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.rendered import Span
from bocr_tui.ui.safe_text import LEFT_TO_RIGHT_MARK, clean, width_of, wrap
from bocr_tui.ui.terminal_facts import TerminalFacts
from bocr_tui.ui.text_layout import MOST_LINES, Drawn, Layout, ReadLine, lay_out
from bocr_tui.ui.widgets.tones import tone_style
from bocr_tui.ui.wording import confidence_tone, percent
from bocr_tui.ui.work import begin

__all__ = ["ReadLine", "TextPane"]

GUTTER_CELLS = 4

AT_ONCE_CHARACTERS = 40_000
"""Laid out before the next frame: some milliseconds. The rest of a longer text follows from a thread."""


class TextPane(ScrollView, can_focus=True):
    """Shows ReadLines wrapped to its width; `cursor` is the index of the block one stands on.

    `reorders`: right-to-left text is put in order here, because the terminal does not. A pane without
    `gutter` shows no confidences.
    """

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

        def __init__(self, pane: TextPane, block: int) -> None:
            super().__init__()
            self.pane = pane
            self.block = block

        @property
        def control(self) -> TextPane:
            return self.pane

    def __init__(self, *, id: str | None = None, gutter: bool = True, reorders: bool = False) -> None:
        super().__init__(id=id)
        self._gutter = GUTTER_CELLS if gutter else 0
        self.reorders = reorders
        self._lines: tuple[ReadLine, ...] = ()
        self._layout = Layout([], [])
        self._after: list[str] = []
        self._says = ""

    @property
    def lines(self) -> tuple[ReadLine, ...]:
        return self._lines

    def show(self, lines: Sequence[ReadLine], says: str = "", *, cursor: int = 0) -> None:
        """Show these lines from the block `cursor` on; `says` stands in their place when there are none."""
        self._lines, self._says = tuple(lines[:MOST_LINES]), clean(says)
        if len(lines) > MOST_LINES:
            self._says = f"{len(lines) - MOST_LINES:,} more lines are not shown."
        self.set_reactive(TextPane.cursor, max(0, min(cursor, len(self._lines) - 1)))
        self.scroll_to(0, 0, animate=False)
        self._wrap()
        self._see_cursor()

    def on_mount(self) -> None:
        facts = getattr(self.app, "terminal_facts", None)
        self.reorders = self.reorders or (isinstance(facts, TerminalFacts) and facts.reorders_text)

    def on_resize(self) -> None:
        self._wrap()
        self._see_cursor()

    @property
    def _width(self) -> int:
        return max(8, self.scrollable_content_region.width - self._gutter)

    def _wrap(self) -> None:
        """What is seen first is laid out at once, a long rest in a thread."""
        now = _first_lines(self._lines)
        self._take(lay_out(self._lines[:now], self._width), whole=now == len(self._lines))
        if now < len(self._lines):
            begin(self, self._wrap_all, group=f"layout-{id(self)}")

    async def _wrap_all(self) -> None:
        layout = await asyncio.to_thread(lay_out, self._lines, self._width)
        self._take(layout, whole=True)
        self._see_cursor()

    def _take(self, layout: Layout, *, whole: bool) -> None:
        self._layout = layout
        says = self._says if whole else "Laying out the rest…"
        self._after = [piece for piece in wrap(says, self._width) if piece]
        self.virtual_size = Size(self.size.width, len(layout.drawn) + len(self._after))
        self.refresh()

    def watch_cursor(self, old: int, new: int) -> None:
        for block in (old, new):
            lines = self._layout.lines_of(block)
            self.refresh_lines(lines.start - self.scroll_offset.y, len(lines))
        self._see_cursor()
        self.post_message(self.Moved(self, new))

    def _see_cursor(self) -> None:
        """Scroll so that the cursor's block is seen, its beginning where it is higher than the pane."""
        lines = self._layout.lines_of(self.cursor)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if not lines:
            return
        if lines.start < top or len(lines) >= height:
            self.scroll_to(y=lines.start, animate=False)
        elif lines.stop > top + height:
            self.scroll_to(y=lines.stop - height, animate=False)

    def action_move(self, step: int) -> None:
        """To another block; within one that is higher than the pane, by lines."""
        lines = self._layout.lines_of(self.cursor)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if step > 0 and lines.stop > top + height and lines.start <= top:
            self.scroll_to(y=min(top + step, lines.stop - height), animate=False)
        elif step < 0 and lines.start < top < lines.stop:
            self.scroll_to(y=max(top + step, lines.start), animate=False)
        else:
            self.cursor = max(0, min(self.cursor + step, len(self._lines) - 1))

    def action_jump(self, index: int) -> None:
        self.cursor = index if index >= 0 else max(0, len(self._lines) - 1)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = -1 if offset is None else offset.y + self.scroll_offset.y
        if 0 <= line < len(self._layout.drawn):
            self.cursor = self._layout.drawn[line].block

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        base = self.get_component_rich_style("text--line")
        if index >= len(self._layout.drawn):
            after = index - len(self._layout.drawn)
            if after >= len(self._after):
                return Strip.blank(width, base)
            style = base + tone_style(self, "muted")
            return Strip([Segment(self._after[after], style)]).adjust_cell_length(width, style)
        drawn = self._layout.drawn[index]
        if drawn.block == self.cursor:
            base = self.get_component_rich_style("text--cursor" if self.has_focus else "text--cursor-blurred")
        segments = [*self._gutter_of(drawn, base), *self._text_of(drawn, base, width - self._gutter)]
        return Strip(segments).adjust_cell_length(width, base)

    def _gutter_of(self, drawn: Drawn, base: Style) -> Iterator[Segment]:
        if self._gutter:
            confidence = self._lines[drawn.block].confidence
            said = percent(confidence) if drawn.first and confidence is not None else ""
            yield Segment(
                f"{said:>{GUTTER_CELLS - 1}} ", base + tone_style(self, confidence_tone(confidence))
            )

    def _text_of(self, drawn: Drawn, base: Style, width: int) -> Iterator[Segment]:
        """The text with its looks, at the right where it is written from there."""
        runs = list(_runs(drawn, reorders=self.reorders))
        room = max(0, width - width_of("".join(text for text, _ in runs)))
        if drawn.right_to_left:
            yield Segment(" " * room, base)
        for text, look in runs:
            yield Segment(text, base + self._look(look) if look else base)
        if not self.reorders and has_right_to_left(drawn.text):
            yield Segment(LEFT_TO_RIGHT_MARK, base)
        if not drawn.right_to_left:
            yield Segment(" " * room, base)

    def _look(self, look: str) -> Style:
        """Doubts are underlined as well as coloured, so that they are seen without colour."""
        if look == "doubt":
            return tone_style(self, "failed") + Style(underline=True)
        if look in ("gone", "new"):
            tone = "failed" if look == "gone" else "ok"
            return tone_style(self, tone) + Style(bold=True, reverse=look == "new", strike=look == "gone")
        return Style(bold=True)


def _first_lines(lines: Sequence[ReadLine]) -> int:
    """How many of them are laid out at once."""
    characters = 0
    for number, line in enumerate(lines):
        characters += len(line.text) + 10
        if characters > AT_ONCE_CHARACTERS:
            return max(1, number)
    return len(lines)


def _runs(drawn: Drawn, *, reorders: bool) -> Iterator[tuple[str, str]]:
    """The line in the order it is sent to the terminal, in runs of one look."""
    if not (reorders and has_right_to_left(drawn.text)):
        yield from _split(drawn.text, drawn.spans)
        return
    run, run_look = "", ""
    for shown in as_seen(drawn.text, drawn.right_to_left):
        look = _look_at(drawn.spans, shown.place)
        if look != run_look and run:
            yield run, run_look
            run = ""
        run, run_look = run + shown.character, look
    if run:
        yield run, run_look


def _split(text: str, spans: Iterable[Span]) -> Iterator[tuple[str, str]]:
    here = 0
    for span in sorted(spans):
        start, end = max(here, span.start), min(len(text), span.end)
        if start < end:
            if here < start:
                yield text[here:start], ""
            yield text[start:end], span.look
            here = end
    if here < len(text):
        yield text[here:], ""


def _look_at(spans: Sequence[Span], index: int) -> str:
    return next((span.look for span in spans if span.start <= index < span.end), "")
