"""The room between a screen's lines, filled by its panes."""

from __future__ import annotations

from textual.containers import Horizontal


class Body(Horizontal):
    """Panes side by side that leave nothing between them: its own lines are never drawn one by one."""

    BLANK = True
