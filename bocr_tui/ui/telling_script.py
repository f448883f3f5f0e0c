"""A job script as it is shown beside a plan: quiet comments, directives that are seen."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from bocr_tui.actions.action import Outcome
from bocr_tui.ui.safe_text import clean
from bocr_tui.ui.widgets.tones import tone_style


def script_text(widget: Widget, outcome: Outcome) -> Text:
    """The script of an outcome of `batch.script`, with what is not certain about it below."""
    numbers = outcome.numbers
    text = Text(no_wrap=True, overflow="ellipsis")
    title = f"Script of stage {numbers['stage']}, {numbers['engine']}, on {numbers['site']}\n"
    text.append(clean(title).rstrip() + "\n\n", tone_style(widget, "title"))
    for line in outcome.text.splitlines():
        text.append(clean(line.replace("\t", "    ")) + "\n", tone_style(widget, _tone(line)))
    for remark in numbers["remarks"]:
        text.append(f"\n{clean(remark)}", tone_style(widget, "muted"))
    return text


def _tone(line: str) -> str:
    if line.startswith("#PBS"):
        return "accent"
    return "muted" if line.lstrip().startswith("#") else "plain"
