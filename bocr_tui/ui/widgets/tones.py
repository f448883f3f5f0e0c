"""Tones: the few meanings that text can be coloured by, taken from the theme by every line widget.

They are no component classes of the style sheet: a dozen of those on every widget would be matched anew
with every change of any class, and a tone means the same everywhere.
"""

from __future__ import annotations

from functools import lru_cache

from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.widget import Widget

from bocr_tui.ui.bidi import has_right_to_left, in_one_line
from bocr_tui.ui.safe_text import clean, width_of
from bocr_tui.ui.terminal_facts import TerminalFacts

TONES = {
    "plain": ("tone-plain", False),
    "muted": ("muted", False),
    "strong": ("tone-plain", True),
    "title": ("tone-accent", True),
    "ok": ("tone-ok", False),
    "busy": ("tone-busy", False),
    "waiting": ("tone-waiting", False),
    "warning": ("tone-warning", False),
    "failed": ("tone-failed", False),
    "gave-up": ("gave-up", False),
    "accent": ("tone-accent", False),
    "chosen": ("chosen", False),
}
"""Tone → the theme's variable, and whether it is bold."""

Part = tuple[str, str]
"""Text, already cleaned, and its tone."""


def tone_colour(widget: Widget, tone: str) -> Color:
    """The colour of a tone in the theme of now."""
    return Color.parse(widget.app.theme_variables[TONES[tone][0]])


def tone_style(widget: Widget, tone: str) -> Style:
    """The style of a tone, without a background."""
    variable, bold = TONES[tone]
    return _style(widget.app.theme_variables[variable], bold)


@lru_cache(maxsize=256)
def _style(colour: str, bold: bool) -> Style:
    return Style(color=Color.parse(colour).rich_color, bold=bold or None)


def toned_text(widget: Widget, *parts: Part, width: int = 0) -> Text:
    """Parts as a Text: never markup, whatever they hold. A line that is not wider than `width`, and so is not
    going to be wrapped, is put in the order it is seen in where the terminal does not."""
    text = Text(overflow="fold", end="")
    for content, tone in parts:
        lines = (clean(line) for line in content.split("\n"))
        shown = (in_order(widget, line) if width_of(line) <= width else line for line in lines)
        text.append("\n".join(shown), tone_style(widget, tone))
    return text


def in_order(widget: Widget, text: str) -> str:
    """One line for this terminal: what is written from the right as it is seen, unless the terminal sees to
    that itself."""
    if not has_right_to_left(text) or not _puts_in_order(widget):
        return text
    return in_one_line(text)


def _puts_in_order(widget: Widget) -> bool:
    facts = getattr(widget.app, "terminal_facts", None)
    return isinstance(facts, TerminalFacts) and facts.reorders_text
