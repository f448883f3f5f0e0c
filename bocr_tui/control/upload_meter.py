"""How far uploading is: bytes, their pace, and telling both not too often."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from bocr_tui.catalog.database import Catalog
from bocr_tui.control.events import ControlEvent, Uploading

TELL_EVERY_S = 0.5
"""Between two events: what a person can follow."""

WRITE_EVERY_S = 2.0
"""Between two writes of the site's row, for the faces of other processes."""

PACE_OVER_S = 10.0
"""The pace is that of the last seconds, so that it follows the link."""

_ROW = (
    "INSERT INTO site_status (site, link, reason, link_at, look_problem, uploading, upload_done_bytes,"
    " upload_total_bytes, upload_bytes_s, facts) VALUES (?, 'closed', '', 0, '', ?, ?, ?, ?, '{}')"
    " ON CONFLICT (site) DO UPDATE SET uploading = excluded.uploading,"
    " upload_done_bytes = excluded.upload_done_bytes, upload_total_bytes = excluded.upload_total_bytes,"
    " upload_bytes_s = excluded.upload_bytes_s"
)


class UploadMeter:
    """Counts a site's uploads from the first waiting document to the last."""

    def __init__(self, site: str, tell: Callable[[ControlEvent], None]) -> None:
        self._site = site
        self._tell = tell
        self._settled = 0
        self._done = 0
        self._total = 0
        self._name = ""
        self._seen: deque[tuple[float, int]] = deque()
        self._told_at = self._written_at = 0.0

    def begin_group(self, name: str, left_bytes: int) -> None:
        """A group is under way; so many bytes wait, it included."""
        self._done = self._settled
        self._total = self._settled + left_bytes
        self._name = name
        self._report()

    def passed(self, size_bytes: int) -> None:
        """So many bytes have just arrived."""
        moment = time.monotonic()
        self._done = min(self._done + size_bytes, self._total)
        self._seen.append((moment, self._done))
        while len(self._seen) > 2 and moment - self._seen[0][0] > PACE_OVER_S:
            self._seen.popleft()
        self._report()

    def end_group(self, size_bytes: int) -> None:
        """A group has arrived whole, whatever of it was there before."""
        self._settled += size_bytes
        self._done = self._settled

    def finish(self) -> bool:
        """Nothing waits any more. Returns whether something did."""
        if not self._name:
            return False
        self._name = ""
        self._told_at = 0.0
        self._report()
        self._settled = self._done = self._total = 0
        self._seen.clear()
        self._written_at = 0.0
        return True

    @property
    def bytes_per_s(self) -> float:
        if len(self._seen) < 2:
            return 0.0
        (first_s, first), (last_s, last) = self._seen[0], self._seen[-1]
        return max(0.0, (last - first) / (last_s - first_s)) if last_s > first_s else 0.0

    def _report(self) -> None:
        if time.monotonic() - self._told_at < TELL_EVERY_S:
            return
        self._told_at = time.monotonic()
        self._tell(Uploading(self._site, self._done, self._total, self._name, self.bytes_per_s))

    def write(self, catalog: Catalog, *, now_please: bool = False) -> None:
        """Write the site's row, unless that was done a moment ago. Blocks."""
        if not now_please and time.monotonic() - self._written_at < WRITE_EVERY_S:
            return
        self._written_at = time.monotonic()
        with catalog.writing() as connection:
            values = (self._site, self._name, self._done, self._total, self.bytes_per_s)
            connection.exec_driver_sql(_ROW, values)
