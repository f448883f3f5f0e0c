"""What a scan on a site says, checked before it is believed: a site may answer anything."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from bocr_tui.catalog.words import DocumentState
from bocr_tui.config.errors import SiteError
from bocr_tui.intake.discovery import Found, Trouble
from bocr_tui.intake.findings import Finding
from bocr_tui.intake.probing import sentence
from bocr_tui.sites.documents import site_path
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.lines import MAX_LINE_BYTES
from bocr_worker.protocol.scan import (
    KnownFile,
    ScanEnd,
    ScannedFile,
    ScanProgress,
    ScanRecord,
    ScanTrouble,
    decode_scan,
)

BAD_LINE_WAITS = 5
"""Looks for which a line that does not read well is waited for: network filesystems show late tails."""

_STATES = {
    str(state): state for state in DocumentState if state not in (DocumentState.NEW, DocumentState.MISSING)
}
_MOST_EXTENSION = 20


@dataclass(frozen=True)
class Seen:
    """A file that was listed. `finding` None: it was known by this hash, and not read."""

    found: Found
    sha256: str
    finding: Finding | None


@dataclass
class Heard:
    """What one piece of the answer said. `used_bytes` of it are done with."""

    used_bytes: int = 0
    seen: list[Seen] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    progress: ScanProgress | None = None
    end: ScanEnd | None = None


class ScanReader:
    """Reads the answer of one scan of `path` on `site`, piece by piece."""

    def __init__(self, site: str, path: bytes) -> None:
        self._site = site
        self._path = path
        self._root = site_path(site, path)
        self._waits = 0
        self.passed_over = 0
        """Lines that did not read well and were given up on."""

    def read(self, data: bytes, *, alive: bool) -> Heard:
        """The complete lines of `data`. A line that does not read well is waited for while the scan lives,
        and then passed over. Raises SiteError for a line without end."""
        heard = Heard()
        *lines, rest = data.split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise SiteError(
                f"The scan on {self._site} answers with a line that does not end.", "Import it again."
            )
        for line in lines:
            try:
                record = decode_scan(line, f"the scan on {self._site}")
            except ProtocolError:
                if alive and self._waits < BAD_LINE_WAITS:
                    self._waits += 1
                    return heard
                self._waits = 0
                self.passed_over += 1
                record = None
            heard.used_bytes += len(line) + 1
            if record is not None:
                self._take(record, heard)
        return heard

    def _take(self, record: ScanRecord, heard: Heard) -> None:
        if isinstance(record, (KnownFile, ScannedFile)):
            if self._is_ours(record.path):
                self._take_file(record, heard)
        elif isinstance(record, ScanTrouble):
            if self._is_ours(record.path):
                path = site_path(self._site, record.path)
                heard.troubles.append(Trouble(path, self._root, record.sentence, record.gone))
        elif isinstance(record, ScanProgress):
            heard.progress = record
        elif isinstance(record, ScanEnd):
            heard.end = record

    def _is_ours(self, path: bytes) -> bool:
        """At or below what was asked for, and written the only way there is."""
        below = path == self._path or path.startswith(self._path.rstrip(b"/") + b"/")
        return below and os.path.normpath(path) == path

    def _take_file(self, record: KnownFile | ScannedFile, heard: Heard) -> None:
        path = site_path(self._site, record.path)
        found = Found(path, self._root, record.size_bytes, record.mtime_ns, self._site)
        if isinstance(record, KnownFile):
            heard.seen.append(Seen(found, record.sha256, None))
        elif record.state in _STATES:
            heard.seen.append(Seen(found, record.sha256, _finding(found, record)))
        else:
            heard.troubles.append(
                Trouble(path, self._root, f"{self._site} says something unknown of this file.")
            )


def _finding(found: Found, record: ScannedFile) -> Finding:
    extension = record.extension
    plain = extension.isascii() and extension.isalnum() and len(extension) <= _MOST_EXTENSION
    return Finding(
        found,
        sha256=record.sha256,
        size_bytes=record.size_bytes,
        mtime_ns=record.mtime_ns,
        kind=record.document_kind,
        extension=extension.lower() if plain else "",
        state=_STATES[record.state],
        reason=sentence(record.reason),
        sizes_pt=record.sizes_pt,
        unloadable=frozenset(record.unloadable),
    )


def groups(seen: Sequence[Seen], files: int, pages: int) -> list[list[Seen]]:
    """In parts of so many files or pages, each one transaction."""
    parts: list[list[Seen]] = []
    held = 0
    for entry in seen:
        if not parts or len(parts[-1]) >= files or held >= pages:
            parts.append([])
            held = 0
        parts[-1].append(entry)
        held += entry.finding.pages if entry.finding else 0
    return parts
