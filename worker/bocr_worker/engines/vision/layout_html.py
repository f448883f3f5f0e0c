"""HTML whose top level is a list of labelled blocks, as Chandra writes it, made safe to give to a parser.

    <div data-label="Text" data-bbox="60 110 940 180"><p>Le ministre …</p></div>

One pass, in time that grows with the answer's length and nothing else. What comes out is well-formed: every
tag is closed, none is nested deeper than DEEPEST, only known attributes are left, and what only looks like
a tag is text. Text outside of all blocks is kept in one without a label, so that no parser drops it.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

DEEPEST = 50
MOST_CHARACTERS = 200_000
"""An answer of 12,384 tokens has some 50,000."""

MOST_TAGS = 3000
"""A table of 60 rows and 20 columns has 1,300. A parser's time may grow with the square of this number."""

_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9]{0,15})((?:[\s/][^>]{0,4000})?)>")
_COMMENT = re.compile(r"<!--.{0,2000}?-->|<![^<>]{0,200}>", re.DOTALL)
_ATTRIBUTE = re.compile(r"""([a-zA-Z][a-zA-Z-]{0,30})\s{0,3}=\s{0,3}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_FENCE = re.compile(r"\s*```[a-z]{0,10}[ \t]*\n")
_FENCE_END = re.compile(r"\n\s*```\s*\Z")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_EMPTY_LINES = re.compile(r"\n{3,}")

_VOID = frozenset(["br", "hr", "img", "input", "wbr", "col"])
_PASSED_OVER = frozenset(["html", "body", "head", "!doctype"])
_SILENT = frozenset(["script", "style", "title", "template", "textarea", "iframe", "noscript", "xmp"])
"""Elements that HTML parsers read in a way of their own: never passed on."""

_CLOSED_BY_ITSELF = frozenset(["p", "li", "td", "th", "tr", "h1", "h2", "h3", "h4", "h5"])
"""Two of these in a row are neighbours, whatever was forgotten between them."""

_ATTRIBUTES = frozenset(
    ["colspan", "rowspan", "display", "checked", "type", "border", "value", "href", "alt", "align"]
)
"""Of those that the model is asked to use: all that change what a reader sees."""

_SAFE_LINK = re.compile(r"(?:https?://|mailto:|#|[\w./%-]+(?:[?#]|\Z))", re.IGNORECASE)
_LINES = frozenset(
    ["p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "caption", "pre", "hr"]
)
_ROWS = frozenset(["tr", "li"])
_CELLS = frozenset(["td", "th"])


@dataclass(frozen=True)
class LayoutBlock:
    """`label` and `place` as they were written, None where they were not; `text` is plain; `start` and `end`
    are where its content stands in the answer. `closed` False: the answer ends inside it."""

    label: str | None
    place: str | None
    text: str
    start: int
    end: int
    closed: bool


@dataclass(frozen=True)
class Layout:
    """`html` is the whole answer made safe; `problem` why it is not worth a parser's time."""

    blocks: tuple[LayoutBlock, ...]
    html: str
    problem: str | None = None

    @property
    def text(self) -> str:
        return "\n\n".join(block.text for block in self.blocks if block.text)


def read_layout(answer: str) -> Layout:
    """Never raises."""
    fence = _FENCE.match(answer)
    start = fence.end() if fence else 0
    fence_end = _FENCE_END.search(answer[-40:])
    end = len(answer) - (len(fence_end.group(0)) if fence and fence_end else 0)
    problem = None
    if end - start > MOST_CHARACTERS:
        problem = f"{end - start:,} characters, more than any page's"
        end = start + MOST_CHARACTERS
    reader = _Reader()
    reader.read(answer, start, end)
    if reader.tags > MOST_TAGS:
        problem = problem or f"{reader.tags:,} tags, more than any page's"
    return Layout(tuple(reader.blocks), "".join(reader.safe), problem)


@dataclass
class _Open:
    """A block that is being read."""

    label: str | None
    place: str | None
    start: int
    said: list[str] = field(default_factory=list)


class _Reader:
    def __init__(self) -> None:
        self.blocks: list[LayoutBlock] = []
        self.safe: list[str] = []
        self.tags = 0
        self._stack: list[str] = []
        self._block: _Open | None = None
        self._silent = ""

    def read(self, answer: str, start: int, end: int) -> None:
        at = start
        while at < end:
            mark = answer.find("<", at, end)
            mark = end if mark < 0 else mark
            self._text(answer[at:mark], at)
            if mark == end:
                break
            after = answer.find("<", mark + 1, end)
            piece_end = end if after < 0 else after
            tag = _TAG.match(answer, mark + 1, piece_end)
            if tag:
                self._tag(tag, mark)
                at = tag.end()
            elif passed := _COMMENT.match(answer, mark, end):
                at = passed.end()
            elif after < 0 and ">" not in answer[mark:end] and answer[mark + 1 : mark + 2].isalpha():
                break  # the answer ends in the middle of a tag
            else:
                self._text("<", mark)
                at = mark + 1
        self._end_block(end, closed=not self._stack)

    # -- text ------------------------------------------------------------------------------------------

    def _text(self, piece: str, at: int) -> None:
        if self._silent or not piece:
            return
        if self._block is None:
            if not piece.strip():
                return
            self._begin_block(None, None, at)
        assert self._block is not None
        said = html.unescape(piece)
        self.safe.append(html.escape(said, quote=False))
        plain = said if "pre" in self._stack else _BLANKS.sub(" ", said)
        if plain != " " or not self._block.said or self._block.said[-1] != "\n":
            self._block.said.append(plain)

    def _say(self, said: str) -> None:
        if self._block is not None:
            self._block.said.append(said)

    # -- tags ------------------------------------------------------------------------------------------

    def _tag(self, tag: re.Match[str], at: int) -> None:
        ends, name, attributes = bool(tag.group(1)), tag.group(2).lower(), tag.group(3)
        if self._silent:
            self._silent = "" if ends and name == self._silent else self._silent
            return
        if name in _SILENT:
            self._silent = "" if ends else name
            return
        if name in _PASSED_OVER:
            return
        self.tags += 1
        if ends:
            self._end_tag(name, at)
        else:
            self._start_tag(name, attributes, at, tag.end())

    def _start_tag(self, name: str, attributes: str, at: int, after: int) -> None:
        known = _attributes(attributes)
        # A new block also ends text that belongs to none.
        if name == "div" and (self._block is None or (self._block.label is None and "data-label" in known)):
            self._end_block(at, closed=True)
            self._begin_block(known.get("data-label"), known.get("data-bbox"), after)
            return
        if self._block is None:
            self._begin_block(None, None, at)
        if self._stack[-1] == name and name in _CLOSED_BY_ITSELF:
            self._close(1)
        self._lay_out(name)
        if name in _VOID:
            if name == "img" and known.get("alt"):
                self._say(f" {known['alt']} ")
            self.safe.append(_spelled(name, known))
        elif len(self._stack) < DEEPEST:
            self._stack.append(name)
            self.safe.append(_spelled(name, known))

    def _end_tag(self, name: str, at: int) -> None:
        if self._block is None or name not in self._stack:
            return
        depth = len(self._stack) - self._stack[::-1].index(name) - 1
        if depth == 0:
            self._end_block(at, closed=True)
        else:
            self._close(len(self._stack) - depth)
            self._lay_out(name)

    def _lay_out(self, name: str) -> None:
        if name == "br" or name in _LINES:
            self._say("\n")

    def _close(self, count: int) -> None:
        for _ in range(count):
            name = self._stack.pop()
            self.safe.append(f"</{name}>")
            self._say("\t" if name in _CELLS else "\n" if name in _ROWS else "")

    # -- blocks ----------------------------------------------------------------------------------------

    def _begin_block(self, label: str | None, place: str | None, start: int) -> None:
        self._block = _Open(label, place, start)
        self._stack.append("div")
        known = {name: value for name, value in (("data-label", label), ("data-bbox", place)) if value}
        self.safe.append(_spelled("div", known, every=True))

    def _end_block(self, end: int, *, closed: bool) -> None:
        if self._block is None:
            return
        self._close(len(self._stack))
        opened, self._block = self._block, None
        text = _tidy("".join(opened.said))
        if opened.label is not None or text:
            self.blocks.append(
                LayoutBlock(opened.label, opened.place, text, opened.start, max(opened.start, end), closed)
            )


def _attributes(written: str) -> dict[str, str]:
    return {
        name.lower(): html.unescape(double or single or bare)
        for name, double, single, bare in _ATTRIBUTE.findall(written)
    }


def _spelled(name: str, attributes: dict[str, str], every: bool = False) -> str:
    kept = "".join(
        f' {key}="{html.escape(value)}"'
        for key, value in attributes.items()
        if every or (key in _ATTRIBUTES and (key != "href" or _SAFE_LINK.match(value.strip())))
    )
    return f"<{name}{kept}>"


def _tidy(text: str) -> str:
    lines = (line.strip(" ").rstrip() for line in text.split("\n"))
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip()
