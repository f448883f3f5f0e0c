"""The commands that were sent to a site, as they were sent, with how they ended."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from bocr_tui.report.filtered_lines import FilteredLines
from bocr_tui.ui.telling_commands import command_parts, is_of_site
from bocr_tui.ui.widgets.log_view import LogView
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine
from bocr_tui.ui.wording import count


class CommandsPane(Vertical):
    """One site's commands, the newest at the end and followed."""

    def compose(self) -> ComposeResult:
        yield PartsLine(id="commands-title")
        view = LogView(id="commands-log", draw=command_parts)
        view.missing = view.empty = Notice("No command was sent to this site yet.")
        view.waiting = Notice("")
        yield view

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._site = ""

    @property
    def view(self) -> LogView:
        return self.query_one(LogView)

    def show_site(self, path: Path, site: str) -> None:
        """Show the commands of `site` out of the log at `path`."""
        if site != self._site:
            self._site = site
            self.view.waiting = Notice("Loading…")
            self.view.show(FilteredLines(path, partial(is_of_site, site)))
            self._tell()

    @on(LogView.Changed)
    def _tell(self) -> None:
        view = self.view
        left: list[Part] = [(f" Commands sent to {self._site}", "title")]
        right: list[Part] = []
        if view.seen.lines:
            right.append((f"{count(view.seen.lines)}  ", "muted"))
            right.append(("following " if view.following else "G to the end ", "muted"))
        self.query_one("#commands-title", PartsLine).show(tuple(left), tuple(right))
