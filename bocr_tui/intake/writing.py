"""One transaction of an import: what it looked up, what it will write, in as few statements as can be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import Connection

from bocr_tui.catalog.transitions import move_document
from bocr_tui.catalog.words import DocumentState
from bocr_tui.intake.findings import Finding


@dataclass(slots=True)
class DocumentRow:
    """A document, as far as an import minds."""

    id: int
    state: str
    reason: str
    pages: int
    language: str | None
    language_source: str | None


@dataclass
class Writing:
    """Rows by content and by path, and the rows to come. Ids of new rows are given here, because the
    transaction holds the write lock; everything is written by `flush`, new rows first."""

    documents: dict[str, DocumentRow]
    sources: dict[bytes, tuple[int, int | None]]
    """Id, and the document it leads to."""
    next_document_id: int
    next_source_id: int
    new_documents: list[tuple[Any, ...]] = field(default_factory=list)
    new_sources: list[tuple[Any, ...]] = field(default_factory=list)
    moved_sources: list[tuple[Any, ...]] = field(default_factory=list)
    new_pages: list[tuple[Any, ...]] = field(default_factory=list)
    moves: list[tuple[int, DocumentState, dict[str, Any]]] = field(default_factory=list)
    languages: list[tuple[str | None, str | None, int]] = field(default_factory=list)
    in_place: list[tuple[Any, ...]] = field(default_factory=list)
    """Documents that lie on a site: site, document, path for people, time."""
    left_behind: set[int] = field(default_factory=set)
    """Documents that a path does not lead to any more."""

    @classmethod
    def begin(cls, connection: Connection, findings: Sequence[Finding]) -> Self:
        """Look up what the catalog knows of these files."""
        documents = connection.exec_driver_sql(
            "SELECT sha256, id, state, reason, page_count, language, language_source FROM document"
            " WHERE sha256 IN (SELECT value FROM json_each(?))",
            (json.dumps([finding.sha256 for finding in findings]),),
        )
        marks = ", ".join("?" * len(findings))
        sources = connection.exec_driver_sql(
            f"SELECT path, id, document_id FROM source WHERE path IN ({marks})",  # noqa: S608
            tuple(finding.found.path for finding in findings),
        )
        last_document, last_source = connection.exec_driver_sql(
            "SELECT (SELECT coalesce(max(id), 0) FROM document), (SELECT coalesce(max(id), 0) FROM source)"
        ).one()
        return cls(
            {sha256: DocumentRow(*columns) for sha256, *columns in documents},
            {path: (source_id, document_id) for path, source_id, document_id in sources},
            last_document + 1,
            last_source + 1,
        )

    def flush(self, connection: Connection) -> None:
        """Write it all."""
        run = connection.exec_driver_sql
        if self.new_documents:
            run(
                "INSERT INTO document (id, sha256, kind, extension, name, size_bytes, state, reason,"
                " page_count, language, language_source, added_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self.new_documents,
            )
        if self.new_sources:
            run(
                "INSERT INTO source (id, path, name, site, document_id, import_root, size_bytes, mtime_ns,"
                " seen_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'present')",
                self.new_sources,
            )
        if self.moved_sources:
            run(
                "UPDATE source SET document_id = ?, import_root = ?, size_bytes = ?, mtime_ns = ?,"
                " seen_at = ?, state = 'present' WHERE id = ?",
                self.moved_sources,
            )
        for document_id, state, columns in self.moves:
            move_document(connection, document_id, state, **columns)
        if self.new_pages:
            run(
                "INSERT INTO page (document_id, number, width_pt, height_pt, state, failure, attempts,"
                " changed_at) VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
                self.new_pages,
            )
        if self.in_place:
            # An uploaded copy is preferred as long as it is there: it was verified.
            run(
                "INSERT INTO site_document (site, document_id, state, path, problem, changed_at)"
                " VALUES (?, ?, 'in_place', ?, '', ?) ON CONFLICT (site, document_id) DO UPDATE SET"
                " state = 'in_place', path = excluded.path, problem = '', changed_at = excluded.changed_at"
                " WHERE site_document.state <> 'present'",
                self.in_place,
            )
        write_languages(connection, self.languages)
        mark_orphans(connection, self.left_behind)


def write_languages(connection: Connection, languages: Sequence[tuple[str | None, str | None, int]]) -> None:
    """Language, its source and the document's id."""
    if languages:
        connection.exec_driver_sql(
            "UPDATE document SET language = ?, language_source = ? WHERE id = ?", list(languages)
        )


def mark_orphans(connection: Connection, document_ids: Iterable[int]) -> int:
    """Documents none of whose sources is present become `missing`, and those without any on a site do not
    lie in place there any more. Returns how many became missing."""
    wanted = json.dumps(sorted(document_ids))
    connection.exec_driver_sql(
        "DELETE FROM site_document WHERE document_id IN (SELECT value FROM json_each(?))"
        " AND state = 'in_place' AND NOT EXISTS (SELECT 1 FROM source WHERE state = 'present'"
        " AND document_id = site_document.document_id AND site = site_document.site)",
        (wanted,),
    )
    orphans = connection.exec_driver_sql(
        "SELECT id FROM document WHERE id IN (SELECT value FROM json_each(?)) AND state <> 'missing' AND NOT"
        " EXISTS (SELECT 1 FROM source WHERE document_id = document.id AND state = 'present')",
        (wanted,),
    ).all()
    for (document_id,) in orphans:
        move_document(
            connection, document_id, DocumentState.MISSING, reason="No file with this content is left."
        )
    return len(orphans)
