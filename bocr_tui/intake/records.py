"""Findings into rows: documents by content, sources by path, pages by number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.words import READABLE, DocumentState, PageState
from bocr_tui.intake.discovery import Found
from bocr_tui.intake.findings import Finding
from bocr_tui.intake.language import Languages
from bocr_tui.intake.names import display_name
from bocr_tui.intake.writing import DocumentRow, Writing, write_languages
from bocr_tui.sites.documents import local_part
from bocr_worker.protocol.failures import FailureClass

_UNLOADABLE = str(FailureClass.RENDER)


class Novelty(Enum):
    """What a file was to the catalog."""

    ADDED = "added"
    KNOWN = "known"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file, what it was to the catalog, and its document as it now is."""

    found: Found
    novelty: Novelty
    document_id: int
    state: str
    reason: str
    pages: int


@dataclass(frozen=True, slots=True)
class Known:
    """A file whose source has not changed since it was last seen."""

    found: Found
    source_id: int
    document: DocumentRow


class Recorder:
    """Writes one import. `sort` and `write` may run at the same time, each in one thread."""

    def __init__(self, catalog: Catalog, languages: Languages) -> None:
        self._catalog = catalog
        self._languages = languages
        self.started_at = now()

    def sort(self, files: Sequence[Found]) -> tuple[list[Known], list[Found]]:
        """Which of these files are as they were (path, size, time of change), and which must be read."""
        marks = ", ".join("?" * len(files))
        with self._catalog.reading() as connection:
            rows = connection.exec_driver_sql(
                "SELECT source.path, source.size_bytes, source.mtime_ns, source.id, document.id,"  # noqa: S608
                " document.state, document.reason, document.page_count, document.language,"
                " document.language_source FROM source JOIN document ON document.id = source.document_id"
                f" WHERE source.state = 'present' AND document.state <> '{DocumentState.MISSING}'"
                f" AND source.path IN ({marks})",
                tuple(found.path for found in files),
            ).all()
        unchanged = {tuple(row[:3]): row[3:] for row in rows}
        known, fresh = [], []
        for found in files:
            row = unchanged.get((found.path, found.size_bytes, found.mtime_ns))
            if row is None:
                fresh.append(found)
            else:
                known.append(Known(found, row[0], DocumentRow(*row[1:])))
        return known, fresh

    def write(self, known: Sequence[Known], findings: Sequence[Finding]) -> list[Outcome]:
        """Both kinds of files into the catalog, in one transaction."""
        stamp = now()
        languages: list[tuple[str | None, str | None, int]] = []
        outcomes = []
        for entry in known:
            self._tell_language(entry.document, entry.found, languages)
            outcomes.append(_outcome(entry.found, Novelty.KNOWN, entry.document))
        with self._catalog.writing() as connection:
            if known:
                connection.exec_driver_sql(
                    "UPDATE source SET seen_at = ? WHERE id = ?",
                    [(stamp, entry.source_id) for entry in known],
                )
                write_languages(connection, languages)
            if findings:
                writing = Writing.begin(connection, findings)
                outcomes += [self._store(writing, finding, stamp) for finding in findings]
                writing.flush(connection)
        return outcomes

    def _store(self, writing: Writing, finding: Finding, stamp: float) -> Outcome:
        document = writing.documents.get(finding.sha256)
        novelty = Novelty.KNOWN if document else Novelty.ADDED
        if document is None:
            document = self._add(writing, finding, stamp)
        else:
            self._renew(writing, document, finding, stamp)
        before = _point(writing, finding, document.id, stamp)
        if before not in (None, document.id):
            writing.left_behind.add(before)
            novelty = Novelty.CHANGED
        return _outcome(finding.found, novelty, document)

    def _add(self, writing: Writing, finding: Finding, stamp: float) -> DocumentRow:
        language = self._languages.of(finding.found.path)
        document = DocumentRow(
            writing.next_document_id,
            str(finding.state),
            finding.reason,
            finding.pages,
            language.code,
            language.source,
        )
        writing.next_document_id += 1
        writing.documents[finding.sha256] = document
        writing.new_documents.append(
            (
                document.id,
                finding.sha256,
                finding.kind,
                finding.extension,
                display_name(os.path.basename(finding.found.path)),
                finding.size_bytes,
                document.state,
                document.reason,
                document.pages,
                document.language,
                document.language_source,
                stamp,
            )
        )
        writing.new_pages += _page_rows(document.id, finding, stamp)
        return document

    def _renew(self, writing: Writing, document: DocumentRow, finding: Finding, stamp: float) -> None:
        """Content that is known: what is found now holds, unless it was readable and the reader merely
        failed this time."""
        self._tell_language(document, finding.found, writing.languages)
        same = (document.state, document.reason) == (finding.state, finding.reason)
        if document.state in READABLE or same:
            return
        columns: dict[str, Any] = {"reason": finding.reason}
        if finding.pages and not document.pages:
            document.pages = columns["page_count"] = finding.pages
            writing.new_pages += _page_rows(document.id, finding, stamp)
        writing.moves.append((document.id, finding.state, columns))
        document.state, document.reason = str(finding.state), finding.reason

    def _tell_language(
        self, document: DocumentRow, found: Found, languages: list[tuple[str | None, str | None, int]]
    ) -> None:
        language = self._languages.of(found.path)
        if language.replaces(document.language, document.language_source):
            document.language, document.language_source = language.code, language.source
            languages.append((language.code, language.source, document.id))


def _outcome(found: Found, novelty: Novelty, document: DocumentRow) -> Outcome:
    return Outcome(found, novelty, document.id, document.state, document.reason, document.pages)


def _point(writing: Writing, finding: Finding, document_id: int, stamp: float) -> int | None:
    """Make the path lead to the document; returns the one it led to before."""
    found = finding.found
    values = (document_id, found.root, finding.size_bytes, finding.mtime_ns, stamp)
    source_id, before = writing.sources.get(found.path, (None, None))
    if source_id is None:
        source_id = writing.next_source_id
        writing.next_source_id += 1
        writing.new_sources.append(
            (source_id, found.path, display_name(os.path.basename(found.path)), found.site, *values)
        )
    else:
        writing.moved_sources.append((*values, source_id))
    writing.sources[found.path] = (source_id, document_id)
    if found.site:
        writing.in_place.append((found.site, document_id, display_name(local_part(found.path)), stamp))
    return before


def _page_rows(document_id: int, finding: Finding, stamp: float) -> list[tuple[Any, ...]]:
    """One row a page; none for a document that cannot be read."""
    if not finding.readable:
        return []
    new, failed, unloadable = str(PageState.NEW), str(PageState.FAILED), finding.unloadable
    sizes_pt = zip(finding.sizes_pt[::2], finding.sizes_pt[1::2], strict=True)
    return [
        (document_id, number, None, None, failed, _UNLOADABLE, stamp)
        if number in unloadable
        else (document_id, number, width_pt, height_pt, new, None, stamp)
        for number, (width_pt, height_pt) in enumerate(sizes_pt, 1)
    ]
