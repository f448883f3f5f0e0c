"""kitty's graphics protocol: an image sent once, and cells that stand for its parts.

The cells are text (U+10EEEE with marks for row and column, the colour naming the image), so that whatever
draws over them, or moves them, needs to know nothing of images.
Source: the protocol's description at sw.kovidgoyal.net/kitty/graphics-protocol, "Unicode placeholders".
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache

from rich.color import Color
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.strip import Strip

PLACEHOLDER = "\U0010eeee"

CHUNK_CHARACTERS = 4096
"""The most that one message may carry."""

MOST_CELLS = 190
"""Rows and columns: the marks go a little further than that."""

_MARKS = (
    "305 30d-30e 310 312 33d-33f 346 34a-34c 350-352 357 35b 363-36f 483-487 592-595 597-599 59c-5a1 5a8-5a9"
    " 5ab-5ac 5af 5c4 610-617 657-65b 65d-65e 6d6-6dc 6df-6e2 6e4 6e7-6e8 6eb-6ec 730 732-733 735-736 73a 73d"
    " 73f-741 743 745 747 749-74a 7eb-7f1 7f3 816-819 81b-823 825-827 829-82d 951 953-954 f82-f83 f86-f87"
    " 135d-135f 17dd 193a 1a17 1a75-1a7c 1b6b 1b6d-1b73 1cd0-1cd2 1cda-1cdb 1ce0 1dc0-1dc1 1dc3-1dc9"
    " 1dcb-1dcc 1dd1-1de6 1dfe"
)
"""The protocol's table of marks that count rows and columns, as far as it is used here."""

UNSEEN = ((ControlType.CURSOR_FORWARD, 0),)
"""Marks a segment that takes no cell."""


@cache
def _marks() -> tuple[str, ...]:
    found: list[str] = []
    for part in _MARKS.split():
        first, _, last = part.partition("-")
        found += map(chr, range(int(first, 16), int(last or first, 16) + 1))
    return tuple(found)


def transmission(png: bytes, image_id: int, columns: int, rows: int) -> str:
    """The messages that send an image under this id and say on how many cells it is drawn. What had the id
    before is replaced; the terminal answers nothing, since an answer would be taken for keys."""
    data = b64encode(png).decode("ascii")
    chunks = [data[at : at + CHUNK_CHARACTERS] for at in range(0, len(data), CHUNK_CHARACTERS)] or [""]
    head = f"a=T,f=100,t=d,i={image_id},U=1,c={columns},r={rows},q=2,"
    messages = []
    for number, chunk in enumerate(chunks):
        more = int(number < len(chunks) - 1)
        messages.append(f"\x1b_G{head if number == 0 else 'q=2,'}m={more};{chunk}\x1b\\")
    return "".join(messages)


def forgotten(image_id: int) -> str:
    """The message that frees an image in the terminal."""
    return f"\x1b_Ga=d,d=I,i={image_id},q=2\x1b\\"


def cells(image_id: int, columns: int, rows: int) -> list[Strip]:
    """The rows of cells that stand for the image."""
    marks = _marks()
    style = Style(color=Color.from_rgb(image_id >> 16 & 255, image_id >> 8 & 255, image_id & 255))
    return [
        Strip(
            [Segment("".join(PLACEHOLDER + marks[row] + marks[at] for at in range(columns)), style)], columns
        )
        for row in range(rows)
    ]
