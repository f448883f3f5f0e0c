"""From a model's markdown to plain text: for search, for the verdict, and for people without a renderer."""

from __future__ import annotations

import html
import re

_ROW_END = re.compile(
    r"</tr\s*>|<br\s*/?>|</p\s*>|</div\s*>|</li\s*>|</h[1-6]\s*>|</caption\s*>", re.IGNORECASE
)
_CELL_END = re.compile(r"</t[dh]\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>")
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,500})\]\([^()\n]{0,2000}\)")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.MULTILINE)
_STRONG = re.compile(r"(\*\*|__)(?=\S)([^\n]{1,2000}?)(?<=\S)\1")
_BLANKS = re.compile(r"[ \t]+(?=\n)|[ \t]+$")
_LINES = re.compile(r"\n{3,}")


def plain_text(markdown: str) -> str:
    """The words without headings' marks, emphasis, images and tags; cells of a table's row are separated
    by tabs. What looks like markup and is none stays."""
    text = _IMAGE.sub(r"\1", markdown)
    if "<" in text:
        text = _CELL_END.sub("\t", text)
        text = _ROW_END.sub("\n", text)
        text = _TAG.sub("", text)
    text = _STRONG.sub(r"\2", _HEADING.sub("", text))
    if "&" in text:
        text = html.unescape(text)
    return _LINES.sub("\n\n", _BLANKS.sub("", text)).strip()
