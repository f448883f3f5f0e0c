"""The map: every page of a batch, of a document or of the catalog in one picture, to be walked."""

from __future__ import annotations

import time
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer

from bocr_tui.catalog.list_query import PageFilter
from bocr_tui.catalog.list_rows import PageRow
from bocr_tui.catalog.lists import NoCatalog, Reader
from bocr_tui.catalog.page_map import MapScope, index_of, page_at, read_states
from bocr_tui.config.errors import BocrError
from bocr_tui.ui import wording
from bocr_tui.ui.nothing_here import BEGIN
from bocr_tui.ui.reading import Lane
from bocr_tui.ui.safe_text import shortened
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.screens.page import PageScreen
from bocr_tui.ui.widgets.key_line import KeyLine
from bocr_tui.ui.widgets.map_tiles import HEIGHTS, SHADES, STATE_LOOKS, tally
from bocr_tui.ui.widgets.page_map import PageMap
from bocr_tui.ui.widgets.table_drawing import Notice
from bocr_tui.ui.widgets.tones import Part
from bocr_tui.ui.widgets.top_line import PartsLine, PlaceLine, TopLine
from bocr_tui.ui.work import begin

REREAD_REST = 4.0
"""After the states took t seconds to read they are not read again for REREAD_REST * t."""

LEAST_REST_S = 0.5

TOLD_AFTER_S = 0.07
"""A cursor that rests this long is looking at a page; one that runs is not."""


class PageMapScreen(PanelScreen[None]):
    """`came_from` says in words what the map is of; `at` is the page the cursor begins on."""

    SCOPED_CSS = False
    CSS = """
    PageMapScreen #body { height: 1fr; }
    PageMapScreen #told, PageMapScreen #legend { height: 1; background: $surface; }
    """

    BINDINGS: ClassVar = [
        Binding("f", "dim", "Only failed", tooltip="Show only failed pages in colour, or all of them."),
        Binding("escape", "back", "Back", tooltip="To where you came from."),
    ]

    def __init__(
        self, scope: MapScope, came_from: str, *, at: int | None = None, place: str = "pages"
    ) -> None:
        super().__init__()
        self._scope = scope
        self._came_from = came_from
        self._at = at
        self._place = place
        self._told_timer: Timer | None = None
        self._reread_later: Timer | None = None
        self._not_before = 0.0
        self._trouble_since: float | None = None

    def compose(self) -> ComposeResult:
        yield TopLine(id="top")
        yield PlaceLine(id="place")
        yield PageMap(id="body")
        yield PartsLine(id="legend")
        yield PartsLine(id="told")
        yield KeyLine()

    def on_mount(self) -> None:
        super().on_mount()
        self.map.focus()
        begin(self, self._read, group="states")

    @property
    def map(self) -> PageMap:
        return self.query_one(PageMap)

    @property
    def _is_gone(self) -> bool:
        """Whether it was closed while an answer was on its way."""
        return not self.query(PageMap)

    def changed(self) -> None:
        """Read again, but not all the time while pages stream by."""
        wait = self._not_before - time.monotonic()
        if wait <= 0:
            begin(self, self._read, group="states")
        elif self._reread_later is None:
            self._reread_later = self.set_timer(wait, self._reread)

    def action_reread(self) -> None:
        self._reread()

    def _reread(self) -> None:
        self._reread_later = None
        begin(self, self._read, group="states")

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            states = await self.panel.reading.ask(Lane.IDS, lambda reader: read_states(reader, self._scope))
            at = None
            if self._at is not None and states:
                page_id, self._at = self._at, None
                at = await self.panel.reading.ask(
                    Lane.ROWS, lambda reader: index_of(reader, self._scope, page_id)
                )
        except BocrError as error:
            self._fail(error)
            return
        finally:
            ended = time.monotonic()
            self._not_before = ended + max(LEAST_REST_S, (ended - began) * REREAD_REST)
        self._trouble_since = None
        if self._is_gone:
            return
        self.map.show(states)
        if at is not None:
            self.map.go_to(at)
        self._tell_counts()
        self._moved()

    def _fail(self, error: BocrError) -> None:
        """What was drawn before stays, and is called stale."""
        self._trouble_since = self._trouble_since or time.monotonic()
        if self._is_gone:
            return
        if not self.map.states:
            quiet = isinstance(error, NoCatalog)
            hint = BEGIN if quiet else f"{error.next_step} ctrl+r tries again.".strip()
            self.map.say(Notice(error.cause, hint), "plain" if quiet else "failed")
        self.tell_place()

    def tell_standing(self) -> None:
        super().tell_standing()
        if self.is_mounted and self.query("#body"):
            self.tell_place()

    def tell_place(self) -> None:
        """The second line: what this is a map of, how many pages; or for how long it has been stale."""
        parts: list[Part] = [(f"{shortened(self._came_from, self.size.width // 4)}  ", "accent")]
        if self._trouble_since is not None and self.map.states:
            age = time.monotonic() - self._trouble_since
            parts.append((f"stale {age:.0f} s, ctrl+r tries again  ", "warning"))
        elif self.map.notice is None:
            per_tile = self.map.per_tile
            parts.append((f"{wording.things(len(self.map.states), 'page')}  ", "muted"))
            parts.append((f"{wording.count(per_tile)} a cell " if per_tile > 1 else "", "muted"))
        self.tell_place_line(tuple(parts), self._place)

    def _tell_counts(self) -> None:
        """The legend: each state that occurs, by its sign, with its count."""
        counts = tally(self.map.states)
        parts: list[Part] = [(" ", "plain")]
        for state, look in STATE_LOOKS.items():
            if counts.get(state):
                words = f"{look.sign} {wording.plain(state)} {wording.count(counts[state])}  "
                parts.append((words, look.tone))
        tiles = (
            (f"{HEIGHTS[0]}{HEIGHTS[3]}{HEIGHTS[7]} failed's share  ", "muted"),
            (f"{SHADES} done's share ", "muted"),
        )
        self.tell_line("#legend", tuple(parts), tiles if self.map.per_tile > 1 else ())

    @on(PageMap.Moved)
    def _moved(self) -> None:
        """Tell what is under the cursor: the tile at once, its page once the cursor rests."""
        self.tell_place()
        self._tell_counts()
        self.tell_line("#told", self._tile_parts())
        if self._told_timer is not None:
            self._told_timer.stop()
        self._told_timer = self.set_timer(TOLD_AFTER_S, self._begin_telling)

    def _tile_parts(self) -> tuple[Part, ...]:
        if not self.map.states:
            return ()
        first, behind = self.map.here
        if behind - first == 1:
            return ((f" {first + 1:,} of {len(self.map.states):,}  ", "muted"),)
        counts = tally(self.map.states[first:behind])
        parts: list[Part] = [(f" pages {first + 1:,} to {behind:,}: ", "muted")]
        for state, look in STATE_LOOKS.items():
            if counts.get(state):
                parts.append((f"{counts[state]:,} {wording.plain(state)}  ", look.tone))
        return tuple(parts)

    def _begin_telling(self) -> None:
        if self.map.states:
            begin(self, partial(self._tell_page, self.map.target), group="telling")

    async def _row(self, index: int) -> PageRow | None:
        def ask(reader: Reader) -> PageRow | None:
            page_id = page_at(reader, self._scope, index)
            rows = [] if page_id is None else reader.pages.rows([page_id])
            return rows[0] if rows else None

        return await self.panel.reading.ask(Lane.ROWS, ask)

    async def _tell_page(self, index: int) -> None:
        try:
            row = await self._row(index)
        except BocrError as error:
            self._fail(error)
            return
        if row is None or self._is_gone:
            return
        state, tone = wording.page_state(row.state, row.held)
        why = f", {wording.plain(row.failure)}" if row.failure else ""
        page: tuple[Part, ...] = (
            (f"{shortened(row.document, self.size.width // 3)} page {row.number} ", "plain"),
            (f"{state}{why} ", tone),
        )
        self.tell_line("#told", self._tile_parts(), page)

    @on(PageMap.Opened)
    def _opened(self, message: PageMap.Opened) -> None:
        begin(self, partial(self._open, message.index), group="open")

    async def _open(self, index: int) -> None:
        try:
            row = await self._row(index)
        except BocrError as error:
            self.panel.tell(f"{error.cause} {error.next_step}", "error")
            return
        if row is not None:
            within = PageFilter(batch_id=self._scope.batch_id, document_id=self._scope.document_id)
            self.app.push_screen(PageScreen(row.id, within, place=self._place))

    def action_dim(self) -> None:
        self.map.dim(not self.map.dimmed)
