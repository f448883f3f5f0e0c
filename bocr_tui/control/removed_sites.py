"""Sites that bocr.toml names no more while jobs of theirs live: shown, and otherwise left alone.

What is known of such a job stays as it is. Nothing can be asked of its site, so nothing is decided either.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Iterable

from bocr_tui.catalog.database import Catalog
from bocr_tui.control.events import ControlEvent, SiteMoved, Trouble
from bocr_tui.control.site_status import Standing

CAUSE = "bocr.toml names this site no more, and jobs of it have not ended."
NEXT_STEP = "Put it back into bocr.toml and start bocr again; its jobs stay as they are until then."


class RemovedSites:
    """Of one driver."""

    def __init__(self, catalog: Catalog, tell: Callable[[ControlEvent], None]) -> None:
        self._catalog = catalog
        self._tell = tell
        self._shown: set[str] = set()

    async def show(self, names: Iterable[str]) -> None:
        """These are gone now: each is told, and written for every face to see, once until it is back."""
        gone = set(names)
        for name in sorted(gone - self._shown):
            standing = Standing()
            standing.move("paused", f"{CAUSE} {NEXT_STEP}")
            await to_thread(standing.write, self._catalog, name, now_please=True)
            self._shown.add(name)
            self._tell(SiteMoved(name, standing.link, standing.reason))
            self._tell(Trouble(f"{name}: {CAUSE}", NEXT_STEP))
        self._shown &= gone
