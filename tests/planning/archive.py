"""A catalog with documents whose shape a test chooses."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from bocr_tui.catalog.database import Catalog, open_catalog


def make_catalog(folder: Path) -> Catalog:
    return open_catalog(folder / "catalog.db")


def add_document(
    catalog: Catalog,
    name: str,
    pages: int,
    *,
    state: str = "ready",
    language: str | None = None,
    failed: Sequence[int] = (),
) -> int:
    """A document with pages in state `new`, except those that cannot be loaded."""
    with catalog.writing() as connection:
        document_id = connection.exec_driver_sql(
            "INSERT INTO document (sha256, kind, extension, name, size_bytes, state, reason, page_count,"
            " language, added_at) VALUES (?, 'pdf', 'pdf', ?, 1, ?, '', ?, ?, 0)",
            (hashlib.sha256(name.encode()).hexdigest(), name, state, pages, language),
        ).lastrowid
        rows = [
            (
                document_id,
                number,
                "failed" if number in failed else "new",
                "render" if number in failed else None,
            )
            for number in range(1, pages + 1)
        ]
        if rows:
            connection.exec_driver_sql(
                "INSERT INTO page (document_id, number, state, failure, attempts, changed_at)"
                " VALUES (?, ?, ?, ?, 0, 0)",
                rows,
            )
    assert document_id is not None
    return document_id
