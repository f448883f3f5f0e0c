"""How the sites and the autopilot stand, read with plain sqlite3 as the other lists are.

A site is known here when the driver wrote how it stands, when a job was sent there, when documents lie
there, or when somebody paused it; bocr.toml may name more.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from bocr_tui.catalog.list_fetch import mapping
from bocr_tui.catalog.lists import Reader
from bocr_tui.catalog.words import JOB_ENDED

PAUSED = "paused:"
"""The setting's name before the name of a site that a person paused."""

UPLOADS_PAUSED = "uploads_paused:"

AUTOPILOT = "autopilot"

POLL_STALE_S = 60.0
"""Journals are read every few seconds while jobs live: this long without means that something is wrong."""

LOOK_STALE_S = 900.0
"""The scheduler is asked every 30 to 300 seconds: three times the longest."""

_STATUS = (
    "link",
    "reason",
    "link_at",
    "next_try_at",
    "polled_at",
    "looked_at",
    "look_problem",
    "uploading",
    "upload_done_bytes",
    "upload_total_bytes",
    "upload_bytes_s",
    "facts",
)


class SiteRow(NamedTuple):
    """One site. Times are seconds since the epoch, None where it has not happened yet.

    `jobs` and `documents` count by state. `paused_at` is since when a person keeps it paused, which is not
    the same as a link that waits for a person (`link` is paused then, and `reason` says for what).
    """

    name: str
    link: str = "closed"
    reason: str = ""
    link_at: float = 0.0
    next_try_at: float | None = None
    polled_at: float | None = None
    looked_at: float | None = None
    look_problem: str = ""
    uploading: str = ""
    upload_done_bytes: int = 0
    upload_total_bytes: int = 0
    upload_bytes_s: float = 0.0
    facts: Mapping[str, Any] = MappingProxyType({})
    jobs: Mapping[str, int] = MappingProxyType({})
    documents: Mapping[str, int] = MappingProxyType({})
    paused_at: float | None = None
    uploads_paused_at: float | None = None

    @property
    def id(self) -> int:
        """A number that stands for the name, for lists that go by numbers."""
        return zlib.crc32(self.name.encode("utf-8", "surrogateescape"))

    @property
    def living_jobs(self) -> int:
        """Jobs that have not ended."""
        return sum(count for state, count in self.jobs.items() if state not in _ENDED)

    @property
    def is_paused(self) -> bool:
        """Nothing goes on here before a person resumes it."""
        return self.paused_at is not None or self.link == "paused"

    @property
    def states(self) -> frozenset[str]:
        """The link's state, `paused` for whatever reason, and `uploads_paused` where they are."""
        found = {"paused" if self.is_paused else self.link}
        if self.uploads_paused_at is not None:
            found.add("uploads_paused")
        return frozenset(found)

    @property
    def is_troubled(self) -> bool:
        """Something a person would look at."""
        return self.is_paused or self.link == "waiting" or bool(self.look_problem)

    def stale_s(self, now: float) -> float | None:
        """For how long nothing was heard of jobs that live; None while what is shown can be called live."""
        if not self.living_jobs:
            return None
        ages = [
            now - at
            for at, limit in ((self.polled_at, POLL_STALE_S), (self.looked_at, LOOK_STALE_S))
            if at is not None and now - at > limit
        ]
        return max(ages, default=None)


_ENDED = frozenset(map(str, JOB_ENDED))


class AutopilotRow(NamedTuple):
    """Whether the autopilot is on; `reason` is why it is not any more."""

    on: bool = False
    reason: str = ""
    since: float | None = None


def sites_of(reader: Reader, configured: Iterable[str] = ()) -> list[SiteRow]:
    """Every site there is, by name; `configured` names those of bocr.toml. Raises CatalogError."""
    with reader.snapshot() as connection:
        status = _statuses(connection)
        jobs = _counted(connection, "job")
        documents = _counted(connection, "site_document")
        paused, uploads = _since(connection, PAUSED), _since(connection, UPLOADS_PAUSED)
    names = {*configured, *status, *jobs, *documents, *paused}
    return [
        SiteRow(
            name,
            **status.get(name, {}),
            jobs=jobs.get(name, {}),
            documents=documents.get(name, {}),
            paused_at=paused.get(name),
            uploads_paused_at=uploads.get(name),
        )
        for name in sorted(names)
    ]


def autopilot_of(reader: Reader) -> AutopilotRow:
    """Raises CatalogError."""
    record = mapping(reader.setting(AUTOPILOT))
    since = record.get("since")
    return AutopilotRow(
        bool(record.get("on")),
        str(record.get("reason") or ""),
        float(since) if isinstance(since, (int, float)) else None,
    )


def _tables(connection: sqlite3.Connection) -> set[str]:
    """A catalog that an older version made and nobody has opened for writing since lacks the newer ones."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(name) for (name,) in rows}


def _statuses(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    if "site_status" not in _tables(connection):
        return {}
    rows = connection.execute(f"SELECT site, {', '.join(_STATUS)} FROM site_status")  # noqa: S608 - our names
    found = {}
    for name, *values in rows:
        found[str(name)] = dict(zip(_STATUS, values, strict=True))
        found[str(name)]["facts"] = mapping(found[str(name)]["facts"])
    return found


def _counted(connection: sqlite3.Connection, table: str) -> dict[str, dict[str, int]]:
    """By site, then by state."""
    found: dict[str, dict[str, int]] = {}
    if table not in _tables(connection):
        return found
    for site, state, count in connection.execute(
        f"SELECT site, state, count(*) FROM {table} GROUP BY 1, 2"  # noqa: S608 - our own names
    ):
        found.setdefault(str(site), {})[str(state)] = int(count)
    return found


def _since(connection: sqlite3.Connection, prefix: str) -> dict[str, float]:
    """By site: since when such a setting is there; 0 where it does not say."""
    sql = "SELECT key, value FROM setting WHERE substr(key, 1, ?) = ?"
    rows = connection.execute(sql, (len(prefix), prefix))
    return {str(key)[len(prefix) :]: _moment(value) for key, value in rows}


def _moment(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0
