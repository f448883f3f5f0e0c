"""The lease on a site: of several copies of one workspace, one drives its jobs there."""

from __future__ import annotations

import secrets
import socket
import time
from asyncio import to_thread
from contextlib import suppress

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.config.errors import SiteError
from bocr_tui.sites.site import Site

RENEW_S = 60.0
"""A third of the lease's length."""

_LEAVE_S = 5.0
"""A site that does not answer within this keeps the lease until it lapses."""

_KEY = "catalog.id"


class SiteLease:
    """Taken before anything is done on the site, renewed while driving, given back at the end. A site of
    this machine that nobody else reaches needs none."""

    def __init__(self, catalog: Catalog, site: Site) -> None:
        self._catalog = catalog
        self._site = site
        self._renew_at = self._renewed_at = 0.0
        self._held = ""

    @property
    def _needed(self) -> bool:
        config = self._site.config
        return config.transport != "local" or config.scheduler != "direct"

    async def renew(self) -> None:
        """Raises SiteError when a copy of this workspace drives, TransportLost."""
        # The one clock stands still while a laptop sleeps, the other one may be set back.
        fresh = time.monotonic() < self._renew_at and 0 <= now() - self._renewed_at < RENEW_S
        if not self._needed or fresh:
            return
        catalog = await to_thread(catalog_id, self._catalog)
        who = {"place": self._place(), "host": socket.gethostname()}
        await self._site.transport.call("drive_catalog", catalog, who)
        self._held = catalog
        self._renew_at, self._renewed_at = time.monotonic() + RENEW_S, now()

    async def leave(self) -> None:
        """Give it back, if the site can be asked just now."""
        if self._held:
            with suppress(SiteError):
                await self._site.transport.call(
                    "leave_catalog", self._held, self._place(), timeout_s=_LEAVE_S
                )

    def _place(self) -> str:
        """Machines are often called the same, and copies lie at the same path: a file's number tells them
        apart."""
        path = self._catalog.path.resolve()
        return f"{socket.gethostname()}:{path.stat().st_ino}:{path}"


def catalog_id(catalog: Catalog) -> str:
    """A name of this catalog that a copy of it shares."""
    with catalog.reading() as connection:
        row = connection.exec_driver_sql("SELECT value FROM setting WHERE key = ?", (_KEY,)).first()
    if row is not None:
        return str(row[0])
    with catalog.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO setting (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
            (_KEY, secrets.token_hex(8)),
        )
        return str(
            connection.exec_driver_sql("SELECT value FROM setting WHERE key = ?", (_KEY,)).scalar_one()
        )
