"""Setting text on pages: two columns, a masthead, a table; and the same text as ground truth.

Lines are broken and placed here, word by word, so that the truth is exactly what stands on the page. fpdf2
with HarfBuzz shapes each word (Arabic letters never join across a space).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .fonts import FontPair
from .wording import Decree, Masthead, Table

WIDTH_PT, HEIGHT_PT = 595.0, 842.0
"""A4."""
CREATED = datetime(2024, 1, 1, tzinfo=UTC)
"""A fixed date, so that the same seed gives the same file."""

_MARGIN_PT = 48.0
_GUTTER_PT = 26.0
_FOOT_PT = 60.0
_COLUMN_PT = (WIDTH_PT - 2 * _MARGIN_PT - _GUTTER_PT) / 2
_STRETCH_MOST = 3.0
"""A word space is never stretched to more than this many times its width: such a line stays ragged."""


@dataclass(frozen=True)
class Face:
    """Size and leading in points."""

    size_pt: float = 11.0
    leading_pt: float = 16.0
    bold: bool = False


@dataclass(frozen=True)
class Line:
    """One printed line. `justify` stretches it to the column's width; `centred` puts it in the middle."""

    words: tuple[str, ...]
    face: Face
    justify: bool = False
    centred: bool = False
    gap_pt: float = 0.0
    """Empty height above, unless it starts a column."""


BODY, TITLE = Face(), Face(bold=True)
LARGE, SMALL = Face(25.0, 34.0, True), Face(11.0, 17.0)


class Setter:
    """One document being set. `truth` grows by one text a page, its lines in reading order."""

    def __init__(self, fonts: FontPair, *, right_to_left: bool) -> None:
        from fpdf import FPDF

        self.right_to_left = right_to_left
        self.truth: list[str] = []
        self._lines: list[str] = []
        self.pdf: Any = FPDF(unit="pt", format=(WIDTH_PT, HEIGHT_PT))
        self.pdf.set_auto_page_break(False)
        self.pdf.c_margin = 0
        self.pdf.add_font("body", "", fonts.regular)
        self.pdf.add_font("body", "B", fonts.bold)
        if right_to_left:
            self.pdf.set_text_shaping(True, direction="rtl", script="arab", language="ara")
        else:
            self.pdf.set_text_shaping(True)

    def start_page(self) -> None:
        self.pdf.add_page()

    def end_page(self, page_number: str | None = None) -> None:
        """Close the page, with a number at its foot unless None."""
        if page_number is not None:
            self._put(
                Line((page_number,), BODY, centred=True),
                _MARGIN_PT,
                HEIGHT_PT - 44,
                WIDTH_PT - 2 * _MARGIN_PT,
            )
        self.truth.append("\n".join(self._lines) + ("\n" if self._lines else ""))
        self._lines = []

    def masthead(self, masthead: Masthead) -> float:
        """Set the head across the page. Returns where the text may start, in points from the top."""
        top = 40.0
        for text, face in ((masthead.title, LARGE), (masthead.notice, SMALL), (masthead.issue, SMALL)):
            self._put(Line((*text.split(),), face, centred=True), _MARGIN_PT, top, WIDTH_PT - 2 * _MARGIN_PT)
            top += face.leading_pt
        return self._rule(top + 8) + 14

    def running_head(self, text: str) -> float:
        """Set one small line over a rule, as every page but the first has. Returns as masthead does."""
        self._put(Line((*text.split(),), BODY, centred=True), _MARGIN_PT, 34, WIDTH_PT - 2 * _MARGIN_PT)
        return self._rule(56) + 14

    def columns(self, lines: Iterator[Line], top: float) -> None:
        """Fill two columns below `top` with as many lines as they hold, the first column of the language
        first, a rule between them."""
        lefts = [_MARGIN_PT, _MARGIN_PT + _COLUMN_PT + _GUTTER_PT]
        bottom = HEIGHT_PT - _FOOT_PT - BODY.leading_pt
        for left in reversed(lefts) if self.right_to_left else lefts:
            y = top
            while y <= bottom:
                line = next(lines)
                y += line.gap_pt if y > top else 0
                self._put(line, left, y, _COLUMN_PT)
                y += line.face.leading_pt
        middle = WIDTH_PT / 2
        self.pdf.set_line_width(0.6)
        self.pdf.line(middle, top, middle, HEIGHT_PT - _FOOT_PT)

    def break_decree(self, decree: Decree, width_pt: float = _COLUMN_PT) -> Iterator[Line]:
        """A decree as lines for one column."""
        yield from self._broken(decree.title, TITLE, width_pt, gap_pt=16)
        for paragraph in decree.paragraphs:
            yield from self._broken(paragraph, BODY, width_pt, gap_pt=5)

    def table(self, table: Table, top: float) -> None:
        """A ruled table over the page's width, its title above; the truth goes row by row."""
        width = WIDTH_PT - 2 * _MARGIN_PT
        y = top + 10
        for line in self._broken(table.title, TITLE, width, gap_pt=0):
            self._put(line, _MARGIN_PT, y, width)
            y += line.face.leading_pt
        y += 10
        shares = _shares(len(table.rows[0]))
        height = 27.0
        self.pdf.set_line_width(0.8)
        for index, row in enumerate(table.rows):
            x = _MARGIN_PT
            cells = list(zip(row, shares, strict=True))
            start = len(self._lines)
            for cell, share in cells:
                left = WIDTH_PT - x - width * share if self.right_to_left else x
                self.pdf.rect(left, y, width * share, height)
                face = TITLE if index == 0 else BODY
                self._put(Line((*cell.split(),), face), left + 7, y + 6, width * share - 14)
                x += width * share
            self._lines[start:] = [" ".join(self._lines[start:])]
            y += height

    def _rule(self, y: float) -> float:
        self.pdf.set_line_width(1.2)
        self.pdf.line(_MARGIN_PT, y, WIDTH_PT - _MARGIN_PT, y)
        return y

    def _use(self, face: Face) -> None:
        self.pdf.set_font("body", "B" if face.bold else "", face.size_pt)

    def _broken(self, text: str, face: Face, width_pt: float, gap_pt: float) -> Iterator[Line]:
        self._use(face)
        space = self.pdf.get_string_width(" ")
        pending: list[str] = []
        used = 0.0
        gap = gap_pt
        for word in text.split(" "):
            wide = self.pdf.get_string_width(word)
            if pending and used + space + wide > width_pt:
                yield Line((*pending,), face, justify=True, gap_pt=gap)
                self._use(face)
                pending, used, gap = [], 0.0, 0.0
            used += wide + (space if pending else 0.0)
            pending.append(word)
        yield Line((*pending,), face, gap_pt=gap)

    def _put(self, line: Line, left: float, top: float, width_pt: float) -> None:
        self._use(line.face)
        widths = [self.pdf.get_string_width(word) for word in line.words]
        space = self.pdf.get_string_width(" ")
        natural = sum(widths) + space * (len(widths) - 1)
        if line.justify and len(widths) > 1:
            stretched = space + (width_pt - natural) / (len(widths) - 1)
            space = stretched if stretched <= space * _STRETCH_MOST else space
        x = (width_pt - natural) / 2 if line.centred else 0.0
        for word, wide in zip(line.words, widths, strict=True):
            at = left + width_pt - x - wide if self.right_to_left else left + x
            self.pdf.set_xy(at, top)
            self.pdf.cell(wide, line.face.leading_pt, word)
            x += wide + space
        self._lines.append(" ".join(line.words).replace("\u00a0", " "))


def _shares(columns: int) -> Sequence[float]:
    first = 1.25 / columns
    return [first, *[(1 - first) / (columns - 1)] * (columns - 1)]
