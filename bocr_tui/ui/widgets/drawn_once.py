"""A Rich renderable that is laid out once for each width, however often Textual asks for its lines.

Showing a widget that is as high as its content has it laid out four times: to measure it with and without a
scrollbar, and to draw it after each. For a table of sixty rows that is felt.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment


class DrawnOnce:
    """`what` must not change any more, and must not depend on anything but the width."""

    def __init__(self, what: RenderableType) -> None:
        self._what = what
        self._drawn: dict[int, list[Segment]] = {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[Segment]:
        width = options.max_width
        if width not in self._drawn:
            self._drawn[width] = list(console.render(self._what, options.update(height=None)))
        return self._drawn[width]

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._what)
