"""Noticing that the catalog changed, whoever changed it, at the price of one number twice a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from bocr_tui.catalog.list_rows import Counts
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.lists_sites import AutopilotRow, SiteRow, autopilot_of, sites_of
from bocr_tui.config.errors import CatalogError
from bocr_tui.ui.reading import Lane, Reading

POLL_S = 0.5
"""How old what is on the screen may be while nothing is wrong."""

REST = 5.0
"""After counting for t seconds nothing is counted for REST * t: a large catalog is not counted all day."""

STALE_AFTER_S = 3.0
"""Six polls without an answer: longer than any commit holds a reader up."""


@dataclass(frozen=True)
class Sight:
    """What is known of the catalog. `seen_at` is the monotonic clock's time of the last answer, None before
    the first; `change` counts the changes seen; `trouble` is why the last question had no answer."""

    counts: Counts = field(default_factory=Counts)
    change: int = 0
    seen_at: float | None = None
    trouble: CatalogError | None = None
    sites: tuple[SiteRow, ...] = ()
    autopilot: AutopilotRow = field(default_factory=AutopilotRow)

    def same_as(self, other: Sight) -> bool:
        """Whether nothing but the time of the last answer is another."""
        return (
            self.counts is other.counts
            and self.change == other.change
            and self.trouble is other.trouble
            and self.sites is other.sites
            and self.autopilot is other.autopilot
            and (self.seen_at is None) is (other.seen_at is None)
        )

    def stale_s(self, now: float) -> float | None:
        """For how long nothing was heard; None while what is shown can be called live."""
        if self.seen_at is None:
            return None
        age = now - self.seen_at
        return age if self.trouble is not None or age > STALE_AFTER_S else None


class CatalogWatch:
    """Polls for as long as `run` is not cancelled and tells `on_sight` what it sees."""

    def __init__(self, reading: Reading, on_sight: Callable[[Sight], None]) -> None:
        self._reading = reading
        self._on_sight = on_sight
        self._version: int | None = None
        self._sites_version: int | None = None
        self._not_before = self._sites_not_before = 0.0
        self._one_at_a_time = asyncio.Lock()
        self.sight = Sight()

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(POLL_S)

    async def look(self) -> None:
        """Ask once; tell if anything is new. Two looks at once would tell older news after newer."""
        async with self._one_at_a_time:
            await self._look()

    async def _look(self) -> None:
        now = time.monotonic()
        try:
            version = await self._reading.ask(Lane.WATCH, Reader.data_version)
            sight = self.sight
            if version != self._sites_version and now >= self._sites_not_before:
                began = time.monotonic()
                sites, autopilot = await self._reading.ask(Lane.WATCH, _sites_and_autopilot)
                sight = replace(sight, sites=sites, autopilot=autopilot)
                self._sites_version = version
                self._sites_not_before = time.monotonic() + (time.monotonic() - began) * REST
            if version != self._version and now >= self._not_before:
                began = time.monotonic()
                counts = await self._reading.ask(Lane.WATCH, Reader.counts)
                ended = time.monotonic()
                self._not_before = ended + (ended - began) * REST
                self._version = version
                sight = replace(sight, counts=counts, change=sight.change + 1)
            self._tell(replace(sight, seen_at=time.monotonic(), trouble=None))
        except CatalogError as error:
            self._version = self._sites_version = None
            self._tell(replace(self.sight, trouble=error))

    def _tell(self, sight: Sight) -> None:
        self.sight = sight
        self._on_sight(sight)


def _sites_and_autopilot(reader: Reader) -> tuple[tuple[SiteRow, ...], AutopilotRow]:
    """A few rows: read also while counting pages rests."""
    return tuple(sites_of(reader)), autopilot_of(reader)
