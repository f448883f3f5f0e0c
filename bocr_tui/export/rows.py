"""What an export reads from the catalog: documents, and their pages with what was accepted or failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, and_, func, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.reasons import reason_of
from bocr_tui.catalog.results import ResultLocator
from bocr_tui.catalog.scope import Scope

_PAGES_AT_ONCE = 500
_DOCUMENTS_AT_ONCE = 500


@dataclass(frozen=True)
class ExportDocument:
    """One document; `stem` is its file name without extension."""

    id: int
    name: str
    sha256: str
    state: str
    reason: str
    language: str | None
    page_count: int
    stem: str = ""


@dataclass(frozen=True)
class ExportPage:
    """One page as the catalog knows it. `locator` says where its text lies, None when it has none.

    `reason` says in words why it failed, empty when it did not.
    """

    number: int
    state: str
    failure: str | None
    reason: str
    engine: str | None
    confidence: float | None
    attempts: int
    language: str | None = None
    locator: ResultLocator | None = None
    provenance: dict[str, Any] = field(default_factory=dict)


def names_of_all(catalog: Catalog) -> list[tuple[int, str, str]]:
    """Id, name and hash of every document, in the order they were imported."""
    table = core.document
    with catalog.reading() as connection:
        rows = connection.execute(select(table.c.id, table.c.name, table.c.sha256).order_by(table.c.id))
        return [(row.id, row.name, row.sha256) for row in rows]


def count_all(catalog: Catalog, document_ids: Sequence[int] | None) -> tuple[list[int], int]:
    """The documents to export, by name, and how many pages they have."""
    scope = Scope(document_ids)
    table = core.document
    with catalog.reading() as connection:
        chosen = select(table.c.id).where(scope.document_condition())
        ids = chosen.order_by(table.c.name, table.c.id)
        pages = select(func.count()).where(core.page.c.document_id.in_(chosen))
        return list(connection.execute(ids).scalars()), connection.execute(pages).scalar() or 0


def documents(catalog: Catalog, ids: Sequence[int]) -> Iterator[ExportDocument]:
    """In the order of `ids`, a few at a time."""
    table = core.document
    for start in range(0, len(ids), _DOCUMENTS_AT_ONCE):
        chunk = ids[start : start + _DOCUMENTS_AT_ONCE]
        with catalog.reading() as connection:
            rows = {row.id: row for row in connection.execute(select(table).where(table.c.id.in_(chunk)))}
        for document_id in chunk:
            row = rows.get(document_id)
            if row is not None:
                yield ExportDocument(
                    row.id, row.name, row.sha256, row.state, row.reason, row.language, row.page_count
                )


def pages(catalog: Catalog, document_id: int) -> Iterator[ExportPage]:
    """A document's pages by number, a few at a time, so that a long document costs no memory and no
    transaction stays open while files are written."""
    after = 0
    while True:
        rows = _read_pages(catalog, document_id, after)
        yield from map(_page, rows)
        if len(rows) < _PAGES_AT_ONCE:
            return
        after = rows[-1].number


def _read_pages(catalog: Catalog, document_id: int, after: int) -> Sequence[Row[Any]]:
    page = core.page
    accepted, failed, other = core.attempt.alias(), core.attempt.alias(), core.attempt.alias()
    last_failed = (
        select(func.max(other.c.id))
        .where(other.c.page_id == page.c.id, other.c.outcome == "failed")
        .scalar_subquery()
    )
    statement = (
        select(
            page,
            failed.c.evidence,
            accepted.c.language,
            accepted.c.result_file,
            accepted.c.result_offset,
            accepted.c.result_length,
            accepted.c.result_sha256,
            accepted.c.variation,
            accepted.c.seconds,
            accepted.c.confidence_min,
            accepted.c.engine_version,
            accepted.c.weights,
            accepted.c.prompt_hash,
            accepted.c.settings_hash,
            accepted.c.render_hash,
        )
        .outerjoin(
            accepted,
            and_(accepted.c.id == page.c.accepted_attempt_id, accepted.c.page_id == page.c.id),
        )
        .outerjoin(failed, failed.c.id == last_failed)
        .where(page.c.document_id == document_id, page.c.number > after)
        .order_by(page.c.number)
        .limit(_PAGES_AT_ONCE)
    )
    with catalog.reading() as connection:
        return connection.execute(statement).all()


_PROVENANCE = (
    "engine",
    "engine_version",
    "weights",
    "prompt_hash",
    "settings_hash",
    "render_hash",
    "variation",
    "seconds",
    "confidence_min",
)


def _provenance(row: Row[Any]) -> dict[str, Any]:
    """How the text came to be, and whether a person chose it."""
    made = {name: getattr(row, name) for name in _PROVENANCE if getattr(row, name)}
    return {**made, "accepted_by": "person"} if row.by_person else made


def _page(row: Row[Any]) -> ExportPage:
    read = row.result_file is not None and row.state == "ok"
    troubled = row.state in ("failed", "gave_up")
    return ExportPage(
        number=row.number,
        state=row.state,
        failure=row.failure if troubled else None,
        reason=reason_of(row.failure, row.evidence) if troubled else "",
        engine=row.engine,
        confidence=row.confidence,
        attempts=row.attempts,
        language=row.language if read else None,
        locator=ResultLocator(row.result_file, row.result_offset, row.result_length, row.result_sha256)
        if read
        else None,
        provenance=_provenance(row) if read else {},
    )
