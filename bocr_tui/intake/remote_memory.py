"""What the catalog remembers of scans on a site that are under way, and of the files there."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass

from bocr_tui.catalog.database import Catalog
from bocr_tui.sites.documents import local_part, site_path
from bocr_worker.protocol.scan import KnownFile


@dataclass(frozen=True)
class Scan:
    """A scan of `path`, and how far its answer has become rows. `started_at` is the catalog's time: what it
    lists was seen after that."""

    token: str
    path: bytes
    offset: int
    started_at: float


def new_token() -> str:
    """A scan's unique name: 13 characters, 48 random bits."""
    return "s" + secrets.token_hex(6)


class ScanMemory:
    """One scan a path and site. Blocks: call it in threads."""

    def __init__(self, catalog: Catalog, site: str) -> None:
        self._catalog = catalog
        self._site = site

    def _key(self, path: bytes) -> str:
        return f"scan:{self._site}:{hashlib.sha256(path).hexdigest()[:16]}"

    def remembered(self, path: bytes) -> Scan | None:
        with self._catalog.reading() as connection:
            row = connection.exec_driver_sql(
                "SELECT value FROM setting WHERE key = ?", (self._key(path),)
            ).first()
        if row is None:
            return None
        try:
            record = json.loads(row[0])
            return Scan(record["token"], path, int(record["offset"]), float(record["started_at"]))
        except (ValueError, KeyError, TypeError):
            return None

    def remember(self, scan: Scan) -> None:
        record = {"token": scan.token, "offset": scan.offset, "started_at": scan.started_at}
        with self._catalog.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO setting (key, value) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (self._key(scan.path), json.dumps(record)),
            )

    def forget(self, scan: Scan) -> None:
        with self._catalog.writing() as connection:
            connection.exec_driver_sql("DELETE FROM setting WHERE key = ?", (self._key(scan.path),))

    def known_files(self, path: bytes) -> list[KnownFile]:
        """Files on the site whose content is in the catalog already."""
        root = site_path(self._site, path)
        low = root.rstrip(b"/") + b"/"
        with self._catalog.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT s.path, s.size_bytes, s.mtime_ns, d.sha256 FROM source s"
                " JOIN document d ON d.id = s.document_id WHERE s.state = 'present' AND d.state <> 'missing'"
                " AND (s.path = ? OR (s.path >= ? AND s.path < ?))",
                (root, low, low[:-1] + b"0"),
            )
            return [KnownFile(local_part(found), size, time_ns, sha) for found, size, time_ns, sha in rows]
