"""Markdown as lines of a terminal: what is bold is bold, tables stand in columns, nothing else is touched.

Models write markdown with HTML in it. This is no renderer of all of either: what it does not know stays as it
is written, so that no letter of a page is ever lost to a renderer.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import NamedTuple

from bocr_tui.ui.safe_text import clean, width_of


class Span(NamedTuple):
    """Characters from `start` up to `end` that are shown as `look` says: doubt or strong."""

    start: int
    end: int
    look: str


MOST_RENDERED = 400_000
"""Characters; a text beyond that is a runaway answer, which is shown as it is."""

MOST_COLUMN_CELLS = 40
"""A table's column is not padded beyond this."""

_TABLE = re.compile(r"<table\b[^<>]{0,2000}>", re.IGNORECASE)
_TABLE_END = re.compile(r"</table\s*>", re.IGNORECASE)
_ROW = re.compile(r"<tr\b[^<>]{0,2000}>(.*?)(?=<tr\b|$)", re.IGNORECASE | re.DOTALL)
_CELL = re.compile(r"<t[dh]\b[^<>]{0,2000}>(.*?)(?=<t[dh]\b|$)", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<br\s*/?>|</p\s*>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:p|br|div|span|b|i|u|em|strong|sup|sub|h[1-6]|ul|ol|li|t[rdh]|thead|tbody|table|caption)\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}[ \t]+(.*?)[ \t#]*$")
_ITEM = re.compile(r"([ \t]*)[-*+][ \t]+(?=\S)")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.{1,2000}?)(?<=\S)\1")
_RULE = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*$")


def rendered(text: str) -> tuple[str, tuple[Span, ...]]:
    """The text to show, its lines ended by LF, and what of it is strong."""
    if len(text) > MOST_RENDERED:
        return text, ()
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", _with_html_tables(text)))
    if "&" in text:
        text = html.unescape(text)
    lines: list[str] = []
    spans: list[Span] = []
    here = 0
    for line in _with_tables(text.split("\n")):
        shown, marks = _line(line)
        spans += [Span(here + start, here + end, look) for start, end, look in marks]
        lines.append(shown)
        here += len(shown) + 1
    return "\n".join(lines), tuple(spans)


def _line(line: str) -> tuple[str, list[Span]]:
    heading = _HEADING.match(line)
    if heading:
        shown, _ = _inline(heading[1])
        return shown, [Span(0, len(shown), "strong")] if shown else []
    return _inline(_ITEM.sub(r"\1• ", line, count=1) if _ITEM.match(line) else line)


def _inline(line: str) -> tuple[str, list[Span]]:
    pieces: list[str] = []
    spans: list[Span] = []
    taken = here = 0
    for found in _STRONG.finditer(line):
        before = line[taken : found.start()]
        start = here + len(before)
        pieces += [before, found[2]]
        here = start + len(found[2])
        spans.append(Span(start, here, "strong"))
        taken = found.end()
    return "".join([*pieces, line[taken:]]), spans


def _with_tables(lines: Sequence[str]) -> list[str]:
    """Rows between pipes put into columns."""
    made: list[str] = []
    rows: list[list[str]] = []
    for line in lines:
        cells = _cells(line)
        if cells is not None:
            rows += [] if _RULE.match(line) else [cells]
            continue
        made += _columns(rows)
        rows = []
        made.append(line)
    return [*made, *_columns(rows)]


def _cells(line: str) -> list[str] | None:
    stripped = line.strip()
    if len(stripped) < 2 or stripped[0] != "|" or stripped[-1] != "|":
        return None
    return [cell.strip() for cell in stripped[1:-1].split("|")]


def _with_html_tables(text: str) -> str:
    """A table that never ends is no table: the search for ends stops with the last one."""
    pieces: list[str] = []
    here = 0
    while (begun := _TABLE.search(text, here)) and (ended := _TABLE_END.search(text, begun.end())):
        pieces += [text[here : begun.start()], "\n", _html_table(text[begun.end() : ended.start()]), "\n"]
        here = ended.end()
    return "".join([*pieces, text[here:]])


def _html_table(inner: str) -> str:
    rows = []
    for row in _ROW.findall(inner):
        cells = [_TAG.sub("", _BREAK.sub(" ", cell)) for cell in _CELL.findall(row)]
        rows.append([" ".join(html.unescape(cell).split()) for cell in cells])
    return "\n".join(_columns(rows)) if rows else inner


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Cells below each other, a line a row."""
    if not rows:
        return []
    cleaned = [[clean(cell) for cell in row] for row in rows]
    count = max(len(row) for row in cleaned)
    widths = [
        min(MOST_COLUMN_CELLS, max((width_of(row[at]) for row in cleaned if at < len(row)), default=0))
        for at in range(count)
    ]
    return [
        " │ ".join(
            cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=False)
        ).rstrip()
        for row in cleaned
    ]
