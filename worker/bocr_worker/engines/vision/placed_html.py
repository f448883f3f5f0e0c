"""Answers in HTML whose elements say where they stand: the form that Qwen's models were taught.

    <h2 data-bbox="88 104 912 139">Journal officiel</h2>
    <table data-bbox="60 210 940 500"><tr><td>…</td></tr></table>

An element with a place is a block, with all that is inside it; what has none around it is text of the page
all the same. No answer is trusted: what is written is read as text, places as four numbers, and lengths are
bounded.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from bocr_worker.engines.vision.base import Answer, Parsed
from bocr_worker.engines.vision.plain import plain_text
from bocr_worker.engines.vision.resizing import Size
from bocr_worker.engines.vision.written import bounds
from bocr_worker.protocol.recognition import Block, Box, Recognition

MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|<!--[^<>]{0,2000}-->")
"""What in such an answer is no text of the page."""

_MOST_CHARACTERS = 400_000
_MOST_BLOCKS = 3000
_DEEPEST = 200
_OUTSIDE = 1.05
"""Of the image: places a little beyond its edge are cut to it, others are wrong."""

_TAG = re.compile(
    r"<!--[^<>]{0,2000}-->|<![^<>]{0,200}>"
    r"|<(?P<ends>/?)(?P<name>[a-zA-Z][a-zA-Z0-9]{0,15})(?P<attributes>(?:[\s/][^<>]{0,2000})?)>"
)
_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w-]{0,40})\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""")
_CUT = re.compile(r"<[/a-zA-Z][^<>]{0,2000}\Z")
"""A tag in the middle of which the answer ends."""

_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"]
)
_TABLE = frozenset(["table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption"])
_KEPT = ("colspan", "rowspan")
_LINES = frozenset(["p", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article"])
_SILENT = frozenset(["script", "style", "head", "title"])
_NUMBER = re.compile(r"-?\d{1,6}(?:\.\d{1,6})?", re.ASCII)
_LABEL = re.compile(r"[a-z][a-z ._-]{0,39}")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_LABELS = {"p": "text", "ul": "list", "ol": "list", "li": "list", "img": "image", "table": "table"}


def parse_placed_html(answer: Answer, grid: Size) -> Parsed:
    """`grid` is what places are counted in: the last column and row. Never raises."""
    start, end = bounds(answer.text)
    end = min(end, start + _MOST_CHARACTERS)
    reader = _Reader(answer.text[start:end], grid)
    reader.read()
    problem = reader.problem
    if problem is None and not reader.blocks and answer.text[start:end].strip():
        problem = "no element with a place: the answer is not in the form that was asked for"
    markdown = "\n\n".join(part for part in reader.parts if part)
    recognition = Recognition(
        text=plain_text(markdown),
        markdown=markdown,
        blocks=tuple(reader.blocks),
        raw=answer.text,
        finish=answer.finish,
        markup_problem=problem,
    )
    return Parsed(recognition, tuple((start + first, start + last) for first, last in reader.spans))


@dataclass
class _Open:
    """The piece that is being read: a block when it has a box, otherwise text between blocks."""

    start: int
    depth: int
    label: str = ""
    box: Box | None = None
    prefix: str = ""
    said: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        lines = [line.strip() for line in "".join(self.said).split("\n")]
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
        return f"{self.prefix}{text}" if text else ""


class _Reader:
    """`parts` are the page's markdown in order; `blocks` and `spans` what of it has a place, and where it was
    written. Its tags are found by an expression of bounded length: the parser of the standard library takes
    40 seconds for a loop of open tags that a model can write."""

    def __init__(self, text: str, grid: Size) -> None:
        self.blocks: list[Block] = []
        self.spans: list[tuple[int, int]] = []
        self.parts: list[str] = []
        self.problem: str | None = None
        self._text = text
        self._grid = grid
        self._here = 0
        self._stack: list[str] = []
        self._silent = 0
        self._loose = _Open(0, 0)
        self._open: _Open | None = None

    def read(self) -> None:
        for found in _TAG.finditer(self._text):
            self._data(self._text[self._here : found.start()])
            self._here = found.start()
            name = (found["name"] or "").lower()
            if name and found["ends"]:
                self._end_tag(name)
            elif name:
                said = _ATTRIBUTE.findall(found["attributes"])
                attributes = {key.lower(): html.unescape(a or b or c) for key, a, b, c in said}
                self._start_tag(name, attributes, closed=found["attributes"].endswith("/"))
            self._here = found.end()
        self._data(_CUT.sub("", self._text[self._here :]))
        self._here = len(self._text)
        while self._stack and self._in_table():
            self._close(self._stack.pop())
        if self._open is not None:
            self._end()
        self._keep_loose()

    # -- tags ------------------------------------------------------------------------------------------

    def _start_tag(self, tag: str, attributes: dict[str, str], *, closed: bool) -> None:
        if self._open is None and "data-bbox" in attributes:
            self._begin(tag, attributes)
        self._mark(tag, attributes)
        if tag in _VOID:
            if self._open is not None and self._open.depth == len(self._stack) + 1:
                self._end()
        elif len(self._stack) < _DEEPEST:
            self._stack.append(tag)
            self._silent += tag in _SILENT
            if closed:
                self._end_tag(tag)

    def _end_tag(self, tag: str) -> None:
        if tag not in self._stack:
            return
        while self._stack:
            closed = self._stack.pop()
            self._silent -= closed in _SILENT
            self._close(closed)
            if self._open is not None and len(self._stack) < self._open.depth:
                self._end()
            if closed == tag:
                return

    def _data(self, data: str) -> None:
        if not data or self._silent:
            return
        said = data if self._in_table() else html.unescape(data)
        self._say(said if "pre" in self._stack else _BLANKS.sub(" ", said))

    # -- pieces ----------------------------------------------------------------------------------------

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        self._keep_loose()
        box = self._box(attributes["data-bbox"])
        prefix = "#" * int(tag[1]) + " " if re.fullmatch(r"h[1-6]", tag) else ""
        label = _label(tag, attributes.get("class", ""))
        self._open = _Open(self._here, len(self._stack) + 1, label, box, prefix)

    def _end(self) -> None:
        piece, self._open = self._open, None
        assert piece is not None
        markdown = piece.markdown()
        self.parts.append(markdown)
        if piece.box is not None and len(self.blocks) < _MOST_BLOCKS:
            self.blocks.append(Block(markdown, piece.box, piece.label))
            self.spans.append((piece.start, self._here))

    def _keep_loose(self) -> None:
        self.parts.append(self._loose.markdown())
        self._loose = _Open(0, 0)

    def _say(self, text: str) -> None:
        (self._open or self._loose).said.append(text)

    def _mark(self, tag: str, attributes: dict[str, str]) -> None:
        """What stands in markdown for an element that begins."""
        if tag in _TABLE:
            kept = "".join(
                f' {name}="{int(attributes[name])}"'
                for name in _KEPT
                if re.fullmatch(r"[0-9]{1,3}", attributes.get(name, ""))
            )
            self._say(f"<{tag}{kept}>")
        elif tag == "br":
            self._say("<br>" if self._in_table() else "\n")
        elif tag == "li":
            self._say("\n1. " if "ol" in self._stack else "\n- ")
        elif tag in _LINES and not self._in_table():
            self._say("\n")

    def _close(self, tag: str) -> None:
        if tag in _TABLE:
            self._say(f"</{tag}>")
        elif tag in _LINES and not self._in_table():
            self._say("\n")

    def _in_table(self) -> bool:
        return "table" in self._stack

    def _box(self, said: str) -> Box | None:
        numbers = _NUMBER.findall(said[:200])
        if len(numbers) != 4:
            self.problem = self.problem or f"a place that is no four numbers: {said.strip()[:60]}"
            return None
        width, height = self._grid
        edges = [float(number) / side for number, side in zip(numbers, (width, height) * 2)]  # noqa: B905
        if not all(1 - _OUTSIDE <= edge <= _OUTSIDE for edge in edges):
            self.problem = self.problem or f"a place outside the image: {said.strip()[:60]}"
            return None
        x0, y0, x1, y1 = (round(min(1.0, max(0.0, edge)), 5) for edge in edges)
        if not (x1 > x0 and y1 > y0):
            self.problem = self.problem or f"a place that ends before it starts: {said.strip()[:60]}"
            return None
        return x0, y0, x1, y1


def _label(tag: str, classes: str) -> str:
    """The class where it says what it is (`image caption`, `formula`), else by the element."""
    if tag == "div" and _LABEL.fullmatch(classes):
        return re.sub(r"[ ._]+", "-", classes.strip())
    return "section-header" if re.fullmatch(r"h[1-6]", tag) else _LABELS.get(tag, "text")
