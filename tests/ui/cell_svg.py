"""A screen as an SVG with a line of the file for each line of the screen: small, and easy to compare.

Runs of cells that look alike are one piece of text; a style is a class, in the order in which styles occur.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape, unescape
from itertools import groupby
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from textual.app import App

WIDTH_PX, HEIGHT_PX, BASE_PX = 8, 17, 13
"""Of a cell, and where letters stand in it."""

_LINE = re.compile(r"^<g .*</g>$", re.MULTILINE)
_RUN = re.compile(r'<tspan x="(\d+)"[^>]*>([^<]*)</tspan>')

Look = tuple[str, str, str]
"""Colour, background, and further style."""


def svg_of(app: App[Any]) -> str:
    """What is on the screen, without what changes from run to run."""
    width, height = app.size
    rows = [_runs(strip) for strip in app.screen._compositor.render_strips()[:height]]
    looks = {look: None for row in rows for look, _, _ in row}
    texts = _classes((colour, more) for colour, _, more in looks)
    backs = _classes((back,) for _, back, _ in looks)
    styles = [f".t{place}{{fill:{colour}{more}}}" for (colour, more), place in texts.items()]
    styles += [f".b{place}{{fill:{back}}}" for (back,), place in backs.items()]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * WIDTH_PX}" height="{height * HEIGHT_PX}" '
        'font-family="DejaVu Sans Mono,monospace" font-size="13.29" xml:space="preserve">'
    )
    plain = "text{unicode-bidi:bidi-override;direction:ltr}"
    lines = [head, "<style>", plain, *styles, "</style>", '<rect width="100%" height="100%" class="b0"/>']
    lines += [_line(number, row, texts, backs) for number, row in enumerate(rows)]
    return "\n".join([*lines, "</svg>"]) + "\n"


def lines_of(svg: str) -> list[str]:
    """The words of such a picture, to be compared by eye when a test fails."""
    lines = []
    for line in _LINE.findall(svg):
        words = ""
        for x, text in _RUN.findall(line):
            words += " " * (int(x) // WIDTH_PX - cell_len(words)) + unescape(text)
        lines.append(words)
    return lines


def _runs(segments: Iterable[Segment]) -> list[tuple[Look, str, int]]:
    """Look, text and width of each."""
    alike = groupby(((_look(segment.style), segment) for segment in segments), key=lambda pair: pair[0])
    runs = []
    for look, pairs in alike:
        members = [segment for _, segment in pairs if not segment.control]
        runs.append((look, "".join(each.text for each in members), sum(each.cell_length for each in members)))
    return runs


def _look(style: Style | None) -> Look:
    style = style or Style.null()
    colour, back = (
        each.get_truecolor(DIMMED_MONOKAI, foreground=front).hex if each else "#888888"
        for each, front in ((style.color, True), (style.bgcolor, False))
    )
    if style.reverse:
        colour, back = back, colour
    more = (";font-weight:bold", style.bold), (";font-style:italic", style.italic)
    lines = (";text-decoration:underline", style.underline), (";text-decoration:line-through", style.strike)
    seen = (";opacity:.6", style.dim)
    return colour, back, "".join(word for word, on in (*more, *lines, seen) if on)


def _classes(looks: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    return {look: place for place, look in enumerate(dict.fromkeys(looks))}


def _line(
    number: int,
    runs: list[tuple[Look, str, int]],
    texts: dict[tuple[str, ...], int],
    backs: dict[tuple[str, ...], int],
) -> str:
    """Backgrounds but the screen's first one, then the words; blanks that show nothing are left out."""
    rects, words, x = "", "", 0
    for back, alike in groupby(runs, key=lambda run: backs[(run[0][1],)]):
        members = list(alike)
        width = sum(cells for _, _, cells in members)
        if back:
            size = f'x="{x * WIDTH_PX}" width="{width * WIDTH_PX}" height="{HEIGHT_PX}"'
            rects += f'<rect {size} class="b{back}"/>'
        for (colour, _, more), text, cells in members:
            shown = text if "decoration" in more else text.rstrip(" ")
            if shown:
                at = f'x="{x * WIDTH_PX}" class="t{texts[colour, more]}"'
                words += f"<tspan {at}>{escape(shown, quote=False)}</tspan>"
            x += cells
    return f'<g transform="translate(0,{number * HEIGHT_PX})">{rects}<text y="{BASE_PX}">{words}</text></g>'
