"""How a site stands, written for every face to see; and when to try it again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.config.errors import SiteError

RETRY_S = (1.0, 2.0, 5.0, 15.0, 60.0, 120.0, 300.0)
"""Pauses after a site failed, growing to the last."""

WRITE_EVERY_S = 5.0
"""Staleness is shown in seconds; a row written more often than this shows nothing more."""


@dataclass
class Standing:
    """What a site's driver knows of its connection. Times are seconds since the epoch."""

    link: str = "closed"
    reason: str = ""
    link_at: float = field(default_factory=now)
    next_try_at: float | None = None
    polled_at: float | None = None
    looked_at: float | None = None
    look_problem: str = ""
    failures: int = 0
    needs_person: bool = False
    """Somebody has to resume it."""
    _written_at: float = 0.0
    _pause_until: float = 0.0

    def move(self, link: str, reason: str = "") -> bool:
        """Returns whether that is new."""
        if (self.link, self.reason) == (link, reason):
            return False
        if self.link != link:
            self.link_at = now()
        self.link, self.reason = link, reason
        self._written_at = 0.0
        return True

    def failed(self, error: SiteError) -> float:
        """Another failure; returns after how many seconds to try again."""
        pause = RETRY_S[min(self.failures, len(RETRY_S) - 1)]
        self.failures += 1
        self._pause_until = time.monotonic() + pause
        self.next_try_at = now() + pause
        self.move("waiting", f"{error.cause} {error.next_step}".strip())
        return pause

    def worked(self, link: str, problem: str = "") -> None:
        """The site answered; `problem` is what it would not do all the same."""
        self.failures, self.next_try_at, self._pause_until = 0, None, 0.0
        self.move(link, problem)

    def try_now(self) -> None:
        """A person asks for it."""
        self.needs_person, self._pause_until, self.next_try_at = False, 0.0, None

    @property
    def waits(self) -> bool:
        return self.needs_person or time.monotonic() < self._pause_until

    def write(self, catalog: Catalog, site: str, *, now_please: bool = False) -> None:
        """Write the row, unless it was written a moment ago."""
        if not now_please and time.monotonic() - self._written_at < WRITE_EVERY_S:
            return
        self._written_at = time.monotonic()
        columns = ("link", "reason", "link_at", "next_try_at", "polled_at", "looked_at", "look_problem")
        values = tuple(getattr(self, column) for column in columns)
        with catalog.writing() as connection:
            connection.exec_driver_sql(
                f"INSERT INTO site_status (site, {', '.join(columns)}, uploading, upload_done_bytes,"  # noqa: S608
                " upload_total_bytes, upload_bytes_s, facts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, 0, '{}')"
                " ON CONFLICT (site) DO UPDATE SET "
                + ", ".join(f"{column} = excluded.{column}" for column in columns),
                (site, *values),
            )
