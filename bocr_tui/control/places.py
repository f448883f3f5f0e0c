"""Where a job on a site finds a document: its path there, or in words why it has none."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.documents import document_name, local_part, uploads_documents


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine that had a document's content when it was imported."""

    path: str
    mtime_ns: int


@dataclass(frozen=True)
class Place:
    """One document on one site.

    `path` is absolute, or below the site's root; `mtime_ns` 0: unknown, so that the worker hashes the file.
    `waits`: it has to be uploaded first, from one of `files`. `problem`: why this site cannot have it, a
    sentence; a job that wants it all the same fails its pages with these words.
    """

    document_id: int
    sha256: str
    name: str
    size_bytes: int
    path: str
    mtime_ns: int = 0
    waits: bool = False
    problem: str = ""
    uploaded: bool = False
    """It lies there because it was uploaded, by what the catalog remembers."""
    files: tuple[LocalFile, ...] = ()


@dataclass
class _Known:
    """What the catalog says of one document's whereabouts."""

    state: str = ""
    problem: str = ""
    changed_at: float = 0.0
    here: list[LocalFile] = field(default_factory=list)
    there: list[LocalFile] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)


def places(
    connection: Connection, site: str, config: SiteConfig, document_ids: Sequence[int], since: float = 0.0
) -> dict[int, Place]:
    """The places of these documents. A failed upload counts if it failed after `since` (seconds since the
    epoch); an older one is tried again."""
    wanted = json.dumps(list(document_ids))
    known = _known(connection, site, wanted)
    rows = connection.exec_driver_sql(
        "SELECT id, sha256, extension, name, size_bytes, reason FROM document"
        " WHERE id IN (SELECT value FROM json_each(?))",
        (wanted,),
    )
    found = {}
    for document_id, sha256, extension, name, size_bytes, reason in rows:
        base = Place(document_id, sha256, name, size_bytes, document_name(sha256, extension))
        found[document_id] = _decide(base, known[document_id], config, reason, since)
    return found


def document_path(connection: Connection, site: str, config: SiteConfig, document_id: int) -> tuple[str, int]:
    """Where the worker finds this document and the file's time of change (0: unknown). The document must
    exist; its file may not."""
    place = places(connection, site, config, [document_id])[document_id]
    return place.path, place.mtime_ns


def _known(connection: Connection, site: str, wanted: str) -> defaultdict[int, _Known]:
    known: defaultdict[int, _Known] = defaultdict(_Known)
    rows = connection.exec_driver_sql(
        "SELECT document_id, state, problem, changed_at FROM site_document"
        " WHERE site = ? AND document_id IN (SELECT value FROM json_each(?))",
        (site, wanted),
    )
    for document_id, state, problem, changed_at in rows:
        known[document_id] = _Known(state, problem, changed_at)
    rows = connection.exec_driver_sql(
        "SELECT document_id, site, path, mtime_ns FROM source WHERE state = 'present'"
        " AND document_id IN (SELECT value FROM json_each(?)) ORDER BY seen_at DESC, id",
        (wanted,),
    )
    for document_id, where, path, mtime_ns in rows:
        entry = known[document_id]
        if not where:
            entry.here.append(LocalFile(os.fsdecode(path), mtime_ns))
        elif where == site:
            entry.there.append(LocalFile(os.fsdecode(local_part(path)), mtime_ns))
        else:
            entry.elsewhere.append(where)
    return known


def _decide(base: Place, known: _Known, config: SiteConfig, reason: str, since: float) -> Place:
    """The order of preference: uploaded, in place, a file of this machine, an upload to come."""
    uploads = uploads_documents(config)
    if uploads and known.state == "present":
        return replace(base, uploaded=True, files=tuple(known.here))
    if known.there:
        return replace(base, path=known.there[0].path, mtime_ns=known.there[0].mtime_ns)
    if not known.here:
        return replace(base, problem=_nowhere(known, reason))
    if not uploads:
        return replace(base, path=known.here[0].path, mtime_ns=known.here[0].mtime_ns)
    if known.state == "failed" and known.changed_at >= since:
        return replace(base, problem=known.problem, files=tuple(known.here))
    return replace(base, waits=True, files=tuple(known.here))


def _nowhere(known: _Known, reason: str) -> str:
    if known.elsewhere:
        return f"It lies on {' and '.join(sorted(set(known.elsewhere)))} only."
    return reason or "No file with this content is left."
