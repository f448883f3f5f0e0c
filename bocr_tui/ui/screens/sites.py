"""Sites: how each is connected, what it does and why it does not; below, the commands sent there."""

from __future__ import annotations

import time
from array import array
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical

from bocr_tui.actions.action import Selection
from bocr_tui.catalog.happenings import Event, events_of
from bocr_tui.catalog.lists import NoCatalog, Reader
from bocr_tui.catalog.lists_sites import SiteRow, sites_of
from bocr_tui.ui.acting import action_binding
from bocr_tui.ui.reading import Lane, Reading
from bocr_tui.ui.screens.batches import EVENTS_SHOWN
from bocr_tui.ui.screens.commands import CommandsPane
from bocr_tui.ui.screens.doctor import DoctorScreen
from bocr_tui.ui.screens.find import FindLine
from bocr_tui.ui.screens.list_screen import ListScreen
from bocr_tui.ui.sheets_sites import SiteSheet
from bocr_tui.ui.telling import about_events
from bocr_tui.ui.telling_sites import about_site, why
from bocr_tui.ui.widgets.facts import Facts, Heading
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.log_view import LogView
from bocr_tui.ui.widgets.table_drawing import HEADER_LINES, Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.widgets.virtual_table import ListSource, VirtualTable

LEAST_ROWS = 3
"""Lines of the list, however few sites there are."""


class SiteList:
    """The sites as a list that goes by numbers: there are few, so all are read at once."""

    def __init__(self, reading: Reading, configured: Sequence[str], text: str, only_troubled: bool) -> None:
        self._reading = reading
        self._configured = configured
        self._text = text.casefold()
        self._only_troubled = only_troubled
        self._rows: dict[int, SiteRow] = {}

    async def ids(self, limit: int | None) -> array[int]:
        found = await self._reading.ask(Lane.ROWS, lambda reader: sites_of(reader, self._configured))
        wanted = [row for row in found if self._text in row.name.casefold()]
        self._rows = {row.id: row for row in wanted if row.is_troubled or not self._only_troubled}
        return array("q", self._rows)

    async def rows(self, ids: Sequence[int]) -> list[SiteRow]:
        return [self._rows[each] for each in ids if each in self._rows]


class SitesScreen(ListScreen[SiteRow]):
    """The sites by name; the one under the cursor has its commands below."""

    PLACE = "sites"
    THING = "site"
    THINGS = "sites"

    BINDINGS: ClassVar = [
        Binding("f", "toggle_only", "Only troubled", show=False, tooltip="Show only sites in trouble."),
        action_binding("site.resume"),
        action_binding("site.pause"),
        Binding("D", "doctor", "Doctor", tooltip="Check the site's connection, scheduler and environments."),
        action_binding("site.upload_pause", show=False),
        action_binding("site.upload_resume", show=False),
        Binding("tab", "other_pane", "Commands", tooltip="To the commands below, and back to the sites."),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._only_troubled = False
        self._finding_command = False

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        with Horizontal(id="body"):
            with Vertical(id="sites"):
                yield VirtualTable(self.sheet(), id="table", quiet=(NoCatalog,))
                yield PartsLine(id="detail")
                yield CommandsPane(id="commands")
            yield Facts(id="preview")
            yield self.third_pane()
        yield FindLine()
        yield KeyLine()

    def sheet(self) -> SiteSheet:
        return SiteSheet()

    def source(self) -> ListSource[SiteRow]:
        return SiteList(self.panel.reading, list(self.panel.site_facts), self._text, self._only_troubled)

    def filters(self) -> list[str]:
        words = ["only those in trouble"] if self._only_troubled else []
        return [*words, f"name “{self._text}”"] if self._text else words

    def nothing_yet(self) -> Notice:
        return Notice("No sites yet.", "8, then e opens bocr.toml; in a shell, bocr site add asks for one.")

    def clear_filters(self) -> bool:
        changed = bool(self._text or self._only_troubled)
        self._text, self._only_troubled = "", False
        return changed

    def toggle_only(self) -> None:
        self._only_troubled = not self._only_troubled

    def find(self, text: str) -> None:
        self._text = text

    def found_text(self) -> str:
        return self._text

    def tell_standing(self) -> None:
        """Ages grow while nothing else changes."""
        super().tell_standing()
        if self.query("#table"):
            self.table.redraw()

    def detail(self, row: SiteRow) -> tuple[Part, ...]:
        words = why(row)
        return ((f" {words}", "warning" if row.is_troubled else "muted"),) if words else ()

    @on(VirtualTable.Loaded)
    def _fit(self) -> None:
        """As high as the sites there are, up to a third of the screen: the rest is the commands'."""
        rows = max(LEAST_ROWS, min(self.table.row_count, self.size.height // 3))
        self.table.styles.height = rows + HEADER_LINES

    @on(VirtualTable.Highlighted)
    def _show_commands(self) -> None:
        row = self.table.current
        if row is not None:
            self.query_one(CommandsPane).show_site(self.panel.command_log, row.name)

    async def preview(self, row: SiteRow) -> None:
        def ask(reader: Reader) -> list[Event]:
            return events_of(reader, site=row.name, limit=EVENTS_SHOWN)

        events = await self.panel.reading.ask(Lane.ROWS, ask)
        facts = self.panel.site_facts.get(row.name)
        self.query_one("#preview", Facts).show(about_site(row, facts, time.time()))
        self.query_one("#third", Facts).show([Heading("What happened"), *about_events(events)])

    def open_row(self, row: SiteRow) -> None:
        """The commands are what a site opens into."""
        self._commands.focus()

    @property
    def _commands(self) -> LogView:
        return self.query_one(CommandsPane).view

    def action_other_pane(self) -> None:
        (self.table if self._commands.has_focus else self._commands).focus()

    def action_find(self) -> None:
        """In the pane one stands in: the names of sites, or their commands."""
        self._finding_command = self._commands.has_focus
        if self._finding_command:
            self.query_one(FindLine).ask(self._commands.finding, "Find in commands:")
        else:
            super().action_find()

    @on(FindLine.Asked)
    def _find_command(self, message: FindLine.Asked) -> None:
        if self._finding_command:
            message.prevent_default()
            self._commands.focus()
            if message.text is not None:
                self._commands.search(message.text)

    def action_back(self) -> None:
        if not self._commands.has_focus:
            super().action_back()
        elif self._commands.finding:
            self._commands.search("")
        else:
            self.table.focus()

    def action_doctor(self) -> None:
        row = self.table.current
        if row is not None:
            self.app.push_screen(DoctorScreen(self.panel.workspace, row.name, self.panel.asker))

    def selection(self) -> Selection:
        row = self.table.current
        return Selection() if row is None else Selection(sites=(row.name,), site_states=frozenset(row.states))
