"""Lines of a growing log: only those in view are read, the end is followed until one moves away from it.

The widget knows no file: a LineSource answers, asked in a thread. Lines are not wrapped; h and l move
sideways.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Protocol

from rich.segment import Segment
from textual.binding import Binding
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bocr_tui.report.log_file import Seen, log_text
from bocr_tui.ui.binding_ids import with_ids
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.widgets.table_drawing import Notice, notice_parts
from bocr_tui.ui.widgets.tones import Part, tone_style
from bocr_tui.ui.work import begin

LOOK_EVERY_S = 0.5
"""Between two looks at a file of this machine while somebody sees it."""

CHUNK_LINES = 256
CHUNKS_KEPT = 12
SIDEWAYS_CELLS = 16


class LineSource(Protocol):
    """A log's lines by number. Asked in threads, one question at a time; may raise OSError."""

    def look(self) -> Seen: ...

    def lines(self, first: int, count: int, /) -> Sequence[bytes]: ...

    def find(self, text: str, line: int, /, *, backwards: bool = False) -> int | None: ...


def plain_line(line: bytes) -> tuple[Part, ...]:
    """A line as it is, made safe."""
    return ((clean(log_text(line)), "plain"),)


class LogView(ScrollView, can_focus=True):
    """Shows a LineSource. `following`: new lines come into view."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--line", "log--found"}

    BINDINGS: ClassVar = with_ids(
        "log_view",
        [
            Binding("j,down", "move(1)", "Down", show=False, tooltip="One line down."),
            Binding("k,up", "move(-1)", "Up", show=False, tooltip="One line up."),
            Binding("ctrl+d", "turn(0.5)", "Half down", show=False, tooltip="Half a screen down."),
            Binding("ctrl+u", "turn(-0.5)", "Half up", show=False, tooltip="Half a screen up."),
            Binding("pagedown,ctrl+f,space", "turn(1)", "Screen down", show=False, tooltip="A screen down."),
            Binding("pageup,ctrl+b", "turn(-1)", "Screen up", show=False, tooltip="A screen up."),
            Binding("g,home", "jump(0)", "First", show=False, tooltip="To the first line."),
            Binding(
                "G,end",
                "jump(-1)",
                "Follow",
                key_display="G",
                tooltip="To the end, and on with it as it grows.",
            ),
            Binding("l,right", "aside(1)", "Right", show=False, tooltip="Show what is further right."),
            Binding("h,left", "aside(-1)", "Left", show=False, tooltip="Show what is further left."),
            Binding(
                "n", "again(1)", "Next found", show=False, tooltip="To the next line that holds the text."
            ),
            Binding(
                "N", "again(-1)", "Found before", show=False, tooltip="To the line before that holds it."
            ),
        ],
    )

    class Changed(Message):
        """Something that a line above would say of this log is different now."""

        def __init__(self, view: LogView) -> None:
            super().__init__()
            self.view = view

    def __init__(
        self,
        *,
        id: str | None = None,
        draw: Callable[[bytes], tuple[Part, ...]] = plain_line,
        empty: Notice | None = None,
    ) -> None:
        """`draw` makes the parts of one line; they must be clean."""
        super().__init__(id=id)
        self._draw = draw
        self.empty = empty or Notice("The log is empty so far.")
        self.waiting = Notice("Loading…")
        self.missing = Notice("There is no log yet.")
        self._source: LineSource | None = None
        self.seen = Seen()
        self.loaded = False
        self.trouble = ""
        self.following = True
        self.finding = ""
        self.found: int | None = None
        """The line last found."""
        self.found_words = ""
        self._left = 0
        self._chunks: OrderedDict[int, Sequence[bytes]] = OrderedDict()
        self._asking = False
        self._ours = False

    @property
    def source(self) -> LineSource | None:
        return self._source

    def show(self, source: LineSource) -> None:
        """Show another log, from its end."""
        self._source = source
        self.seen, self.loaded, self.trouble = Seen(), False, ""
        self.following, self.found, self.found_words, self._left = True, None, "", 0
        self._chunks.clear()
        self._resize()
        self.refresh()
        self.look()

    def on_mount(self) -> None:
        self.set_interval(LOOK_EVERY_S, self._look_if_seen)

    def _look_if_seen(self) -> None:
        if self.screen.is_current and self.region.height:
            self.look()

    def look(self) -> None:
        """See what is new, now."""
        if self._source is not None:
            begin(self, partial(self._look, self._source), group=f"look-{id(self)}")

    async def _look(self, source: LineSource) -> None:
        try:
            seen = await asyncio.to_thread(source.look)
        except OSError as error:
            self._tell_trouble(error)
            return
        if source is not self._source:
            return
        before, self.seen = self.seen, seen
        new = not self.loaded or bool(self.trouble) or before != seen
        self.loaded, self.trouble = True, ""
        if not new:
            return
        if before.generation != seen.generation:
            self._chunks.clear()
            self.found = None
        else:
            for number in range(max(0, before.lines - 1) // CHUNK_LINES, seen.lines // CHUNK_LINES + 1):
                self._chunks.pop(number, None)
        self._resize()
        if self.following:
            self._to(self.max_scroll_y)
        self._want_lines()
        self.refresh()
        self.post_message(self.Changed(self))

    def _tell_trouble(self, error: OSError) -> None:
        self.trouble = f"The log cannot be read: {error.strerror or error}."
        self.refresh()
        self.post_message(self.Changed(self))

    def _resize(self) -> None:
        self.virtual_size = Size(self.size.width, self.seen.lines)

    def on_resize(self) -> None:
        self._resize()
        if self.following:
            self._to(self.max_scroll_y)
        self._want_lines()
        self.refresh()

    def _to(self, y: float) -> None:
        """Scroll by ourselves: that does not count as moving away from the end."""
        self._ours = True
        try:
            self.scroll_to(y=y, animate=False, force=True, immediate=True)
        finally:
            self._ours = False

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if not self._ours and self.following != (new_value >= self.max_scroll_y):
            self.following = not self.following
            self.post_message(self.Changed(self))
        self._want_lines()

    def _want_lines(self) -> None:
        if not self._asking and self._missing() is not None:
            self._asking = True
            begin(self, self._read, group=f"lines-{id(self)}", exclusive=False)

    def _missing(self) -> int | None:
        """A chunk in view that is not read."""
        first = self.scroll_offset.y
        last = min(first + max(1, self.size.height), self.seen.lines) - 1
        for number in range(first // CHUNK_LINES, last // CHUNK_LINES + 1):
            if number not in self._chunks:
                return number
        return None

    async def _read(self) -> None:
        try:
            while (number := self._missing()) is not None:
                source, seen = self._source, self.seen
                assert source is not None
                lines = await asyncio.to_thread(source.lines, number * CHUNK_LINES, CHUNK_LINES)
                if source is not self._source or seen.generation != self.seen.generation:
                    continue
                self._chunks[number] = lines
                while len(self._chunks) > CHUNKS_KEPT:
                    self._chunks.popitem(last=False)
                self.refresh()
        except OSError as error:
            self._tell_trouble(error)
        finally:
            self._asking = False

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.get_component_rich_style("log--line")
        if not self.seen.lines:
            return self._notice_line(y, width)
        index = y + self.scroll_offset.y
        if index >= self.seen.lines:
            return Strip.blank(width, base)
        chunk = self._chunks.get(index // CHUNK_LINES)
        place = index % CHUNK_LINES
        if chunk is None or place >= len(chunk):
            return Strip([Segment("…", base + tone_style(self, "muted"))]).adjust_cell_length(width, base)
        if index == self.found:
            base = self.get_component_rich_style("log--found")
        segments = [
            Segment(text, base + tone_style(self, tone))
            for part in self._draw(chunk[place])
            for text, tone in self._marked(part)
        ]
        strip = Strip(segments)
        if self._left:
            strip = strip.crop(self._left, None)
        return strip.adjust_cell_length(width, base)

    def _marked(self, part: Part) -> list[Part]:
        """The part with what is looked for set apart."""
        text, tone = part
        if not self.finding or not text:
            return [part]
        parts: list[Part] = []
        at = 0
        for match in re.finditer(re.escape(self.finding), text, re.IGNORECASE):
            parts += [(text[at : match.start()], tone), (match.group(), "title")]
            at = match.end()
        return [*parts, (text[at:], tone)]

    def _notice_line(self, y: int, width: int) -> Strip:
        base = self.get_component_rich_style("log--line")
        lines = notice_parts(*self._notice(), width)
        line = y - self.size.height // 3
        if not 0 <= line < len(lines):
            return Strip.blank(width, base)
        text, tone = lines[line]
        return Strip([Segment(text, base + tone_style(self, tone))]).adjust_cell_length(width, base)

    def _notice(self) -> tuple[Notice, str]:
        if self.trouble:
            return Notice(self.trouble, "ctrl+r tries again."), "failed"
        if not self.loaded:
            return self.waiting, "muted"
        return (self.empty if self.seen.there else self.missing), "plain"

    def action_move(self, step: int) -> None:
        self._go(self.scroll_offset.y + step)

    def action_turn(self, screens: float) -> None:
        step = max(1, int((self.size.height - 1) * abs(screens)))
        self._go(self.scroll_offset.y + (step if screens > 0 else -step))

    def action_jump(self, line: int) -> None:
        self._go(line if line >= 0 else self.max_scroll_y)

    def _go(self, line: int) -> None:
        """A person moves: at the end the log is followed, elsewhere it stays."""
        self._to(max(0, min(line, self.max_scroll_y)))
        self.following = line >= self.max_scroll_y
        self.post_message(self.Changed(self))

    def action_aside(self, step: int) -> None:
        self._left = max(0, self._left + step * SIDEWAYS_CELLS)
        self.refresh()

    def search(self, text: str) -> None:
        """Look for `text` from the top of the view on; empty: look for nothing any more."""
        self.finding, self.found, self.found_words = text, None, ""
        self.refresh()
        if text:
            begin(self, partial(self._search, self.scroll_offset.y, 1), group=f"search-{id(self)}")
        else:
            self.post_message(self.Changed(self))

    def action_again(self, step: int) -> None:
        if not self.finding:
            return
        start = self.scroll_offset.y if self.found is None else self.found + step
        begin(self, partial(self._search, start, step), group=f"search-{id(self)}")

    async def _search(self, start: int, step: int) -> None:
        """Go to the next line that holds the text; past the end from the other end on, saying so."""
        source = self._source
        if source is None:
            return
        backwards = step < 0
        again = ""
        try:
            line = await asyncio.to_thread(source.find, self.finding, start, backwards=backwards)
            if line is None:
                other = self.seen.lines - 1 if backwards else 0
                again = ", from the end" if backwards else ", from the top"
                line = await asyncio.to_thread(source.find, self.finding, other, backwards=backwards)
        except OSError as error:
            self._tell_trouble(error)
            return
        self.found = line
        if line is None:
            self.found_words = f"“{self.finding}” is not in this log"
        else:
            self.found_words = f"“{self.finding}” in line {line + 1:,}{again}"
            self.following = False
            if not self.scroll_offset.y <= line < self.scroll_offset.y + self.size.height:
                self._to(max(0, min(line - self.size.height // 3, self.max_scroll_y)))
        self._want_lines()
        self.refresh()
        self.post_message(self.Changed(self))
