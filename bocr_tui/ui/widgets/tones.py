"""Tones: the few meanings that text can be coloured by, taken from the theme by every line widget."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from bocr_tui.ui.safe_text import clean

TONES = (
    "plain",
    "muted",
    "strong",
    "title",
    "ok",
    "busy",
    "waiting",
    "warning",
    "failed",
    "gave-up",
    "accent",
)
"""Each is the class `tone--NAME` of the style sheet."""

TONE_CLASSES = frozenset(f"tone--{tone}" for tone in TONES)

Part = tuple[str, str]
"""Text, already cleaned, and its tone."""


def tone_style(widget: Widget, tone: str) -> Style:
    """The style of a tone without a background; `widget` lists TONE_CLASSES among its components."""
    return widget.get_component_rich_style(f"tone--{tone}", partial=True)


def toned_text(widget: Widget, *parts: Part) -> Text:
    """Parts as a Text: never markup, whatever they hold."""
    text = Text(overflow="fold", end="")
    for content, tone in parts:
        text.append("\n".join(clean(line) for line in content.split("\n")), tone_style(widget, tone))
    return text
