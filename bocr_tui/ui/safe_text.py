"""Text from files made fit for a terminal, and cut to a number of cells.

Names and recognised text may hold escape sequences, direction overrides and halves of characters. Nothing
of that reaches the terminal: what could change more than its own cells becomes a visible mark.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, chop_cells, set_cell_size

REPLACED = "\ufffd"
"""Stands where a character was that a terminal would obey instead of show."""

LEFT_TO_RIGHT_MARK = "\u200e"

_BLANKS = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters, among them the escape
    "\u202a-\u202e\u2066-\u2069"  # direction embeddings, overrides and isolates
    "\ud800-\udfff"  # halves of characters: bytes of a path that are no UTF-8
    "\ufdd0-\ufdef\ufffe\uffff]"
)
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u061c\u2060\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]")
"""Soft hyphens, marks, variation selectors and tags: terminals disagree about their width."""
_PILE = re.compile("([\u0300-\u036f\u0483-\u0489\u20d0-\u20f0]{3})[\u0300-\u036f\u0483-\u0489\u20d0-\u20f0]+")
"""More combining marks on one letter than any script here uses."""
_BARE_NUMBER = re.compile(r" [\d.,]+$")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdfd\ufe70-\ufefc]")


def clean(text: str) -> str:
    """One line of `text` that a terminal only shows."""
    if text.isascii() and text.isprintable():
        return text
    text = _OBEYED.sub(REPLACED, _BLANKS.sub(" ", text))
    return _PILE.sub(r"\1", _UNSEEN.sub("", text))


def is_right_to_left(text: str) -> bool:
    """Whether more of the letters are written from the right than from the left."""
    right = len(_RIGHT_TO_LEFT.findall(text))
    return right > 0 and right * 2 > sum(character.isalpha() for character in text)


def width_of(text: str) -> int:
    """Cells that `text` takes; it has been cleaned."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, *, align: str = "left", middle: bool = False) -> str:
    """`text` (cleaned) in exactly `width` cells, with … where it was cut: at its end or in its middle.

    Around letters written from the right stand left-to-right marks, so that a terminal that reorders text
    neither carries the next column's digits into this one nor takes the whole line for one from the right.
    """
    if width <= 0:
        return ""
    if text.isascii() and len(text) <= width:
        return text.rjust(width) if align == "right" else text.ljust(width)
    taken = width_of(text)
    if taken > width:
        text = _cut(text, width, middle)
        taken = width_of(text)
    padding = " " * (width - taken)
    if _RIGHT_TO_LEFT.search(text):
        text = f"{LEFT_TO_RIGHT_MARK}{text}{LEFT_TO_RIGHT_MARK}"
    return padding + text if align == "right" else text + padding


def shortened(text: str, width: int) -> str:
    """A name, cleaned and in at most `width` cells: cut in its middle, since ends tell names apart."""
    text = clean(text)
    return fit(text, width, middle=True) if width_of(text) > width else text


LONG_WORD = 12
"""Cells of a word of which the beginning says more than nothing."""


def whole_words(text: str, width: int) -> str:
    """As many words of `text` (cleaned) as fit in `width` cells, then …; of a first word that is longer, its
    beginning, and of a last one that is long, a path. A number is not left without what it counts."""
    if width_of(text) <= width:
        return text
    if width <= 0:
        return ""
    kept = _cut(text, width, middle=False)[:-1]
    before, _, begun = kept.rpartition(" ")
    if text[len(kept) :].startswith(" ") or not before or width_of(begun) >= LONG_WORD:
        before = kept
    return _BARE_NUMBER.sub("", before).rstrip(" ,") + "…"


def _cut(text: str, width: int, middle: bool) -> str:
    if width == 1:
        return "…"
    if not middle or width < 8:
        return set_cell_size(text, width - 1).rstrip(" ") + "…"
    end = (width - 1) // 3
    return set_cell_size(text, width - 1 - end).rstrip(" ") + "…" + _last_cells(text, end)


def _last_cells(text: str, width: int) -> str:
    start = len(text)
    taken = 0
    while start > 0 and taken + (step := cell_len(text[start - 1])) <= width:
        taken += step
        start -= 1
    return text[start:]


def wrap(text: str, width: int) -> list[str]:
    """`text` (cleaned) in pieces of at most `width` cells, broken at blanks where it can be."""
    pieces: list[str] = []
    current = ""
    for word in text.split(" "):
        joined = f"{current} {word}" if current else word
        if width_of(joined) <= width:
            current = joined
            continue
        if current:
            pieces.append(current)
        *whole, current = chop_cells(word, width) if width_of(word) > width else [word]
        pieces.extend(whole)
    return [*pieces, current]
