"""What the catalog remembers of scans on a site that are under way, and of the files there."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass

from bocr_tui.catalog.database import Catalog
from bocr_tui.sites.documents import local_part, site_path
from bocr_worker.protocol.scan import KnownFile


@dataclass(frozen=True)
class Scan:
    """A scan of `path`, and how far its answer has become rows. `started_at` is the catalog's time: what it
    lists was seen after that. `run` and `job` are the run's token and the scheduler's id where it is a job;
    a run without a job was perhaps not taken."""

    token: str
    path: bytes
    offset: int
    started_at: float
    run: str = ""
    job: str = ""


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
            place = int(record["offset"]), float(record["started_at"])
            return Scan(record["token"], path, *place, str(record["run"]), str(record["job"]))
        except (ValueError, KeyError, TypeError):
            return None

    def remember(self, scan: Scan) -> None:
        record = {name: value for name, value in asdict(scan).items() if name != "path"}
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
