"""Bars over time under a title: for what one looks at rather than reads."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget

from bocr_tui.ui.safe_text import clean, fit, width_of
from bocr_tui.ui.widgets.tones import Part, tone_style

EIGHTHS = " ▁▂▃▄▅▆▇█"

GROOVE = "▁"
"""At the foot of a bar that is nought, so that time is seen to pass."""


def resampled(values: Sequence[float], width: int) -> list[float]:
    """So many columns: the mean of the values in each, or each value over several columns."""
    if not values or width <= 0:
        return []
    many = len(values)
    found = []
    for column in range(width):
        first = column * many // width
        behind = max(first + 1, (column + 1) * many // width)
        part = values[first:behind]
        found.append(sum(part) / len(part))
    return found


def bar_rows(values: Sequence[float], width: int, height: int, most: float = 0.0) -> list[str]:
    """`height` lines of `width` cells, the top one first; whatever there is at all gets an eighth. `most` is
    the value of a full bar; 0: the largest there is."""
    columns = resampled(values, width)
    top = most or max(columns, default=0.0)
    levels = [
        0 if value <= 0 or top <= 0 else max(1, min(height * 8, round(value * height * 8 / top)))
        for value in columns
    ]
    return [
        "".join(EIGHTHS[max(0, min(8, level - row * 8))] for level in levels)
        for row in range(height - 1, -1, -1)
    ]


class Plot(Widget):
    """`tone` colours the bars. The title stands left, what is said of it right."""

    DEFAULT_CSS = """
    Plot { height: 1fr; padding: 0 1; background: $background; }
    """

    def __init__(self, tone: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._tone = tone
        self._title = ""
        self._said: tuple[Part, ...] = ()
        self._values: tuple[float, ...] = ()

    def show(self, title: str, said: tuple[Part, ...], values: Sequence[float]) -> None:
        """Draw these, the oldest first."""
        new = (title, tuple((clean(text), tone) for text, tone in said), tuple(values))
        if new != (self._title, self._said, self._values):
            self._title, self._said, self._values = new
            self.refresh()

    def render(self) -> Text:
        width, height = self.size
        text = Text(no_wrap=True, end="")
        said = _fitting(self._said, width - width_of(self._title) - 2)
        taken = sum(width_of(part) for part, _ in said)
        text.append(fit(self._title, max(0, width - taken)), tone_style(self, "title"))
        for part, tone in said:
            text.append(part, tone_style(self, tone))
        rows = max(1, height - 1)
        drawn = bar_rows(self._values, width, rows)
        for number, row in enumerate(drawn):
            last = number == len(drawn) - 1
            text.append("\n")
            if last:
                self._append_foot(text, row)
            else:
                text.append(row, tone_style(self, self._tone))
        return text

    def _append_foot(self, text: Text, row: str) -> None:
        """The lowest line, with a groove where there is no bar."""
        muted, tone = tone_style(self, "muted"), tone_style(self, self._tone)
        for cell in row:
            text.append(GROOVE if cell == " " else cell, muted if cell == " " else tone)


def _fitting(parts: tuple[Part, ...], room: int) -> tuple[Part, ...]:
    """As many of them as there is room for; the first ones matter most."""
    taken = 0
    for number, (part, _) in enumerate(parts):
        taken += width_of(part)
        if taken > room:
            return parts[:number]
    return parts
