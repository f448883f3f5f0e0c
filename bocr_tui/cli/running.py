"""From paths to a summary: import, plan, submit, drive. What `bocr run` and `bocr demo` share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bocr_tui.actions.action import Options, Outcome, Progress, Selection
from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.catalog.scope import Scope
from bocr_tui.cli.acting import act, tell_problems
from bocr_tui.cli.follow import follow
from bocr_tui.cli.output import note
from bocr_tui.config.errors import UsageError
from bocr_tui.planning.selection import selected_page_ids
from bocr_tui.report.summary import Summary, summarise

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace


@dataclass(frozen=True)
class RunOrder:
    """What to read and how. `batch_pages` and `batch_documents` None: as configured."""

    paths: tuple[Path, ...]
    language: str | None = None
    pages_per_document: int | None = None
    batch_pages: int | None = None
    batch_documents: int | None = None
    retry_failed: bool = False


@dataclass(frozen=True)
class Named:
    """What the paths named: documents, the pages of the readable ones that are wanted, and how many files
    are no document at all because they could not be opened."""

    document_ids: Sequence[int]
    page_ids: Sequence[int]
    lost_files: int


def take_in(
    workspace: Workspace,
    order: RunOrder,
    tell: Callable[[str], None] = note,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Named:
    """Import the paths, plan what is new and submit it. Nothing is driven yet.

    With `progress` nothing is drawn on standard error, and it may run in any thread. Raises UsageError when
    the paths hold no document.
    """
    wanted = Options(paths=order.paths, language=order.language, progress=progress, stop=stop)
    bar = ("Import", "files") if progress is None else None
    imported = act(workspace, "workspace.import", options=wanted, progress=bar)
    if not (imported.numbers["found"] or imported.rows):
        raise UsageError(imported.text, "")
    tell(imported.text)
    if progress is None:
        tell_problems(imported)
    documents = imported.rows
    if documents:
        sizes = Options(
            batch_pages=order.batch_pages,
            batch_documents=order.batch_documents,
            pages_per_document=order.pages_per_document,
        )
        tell(act(workspace, "workspace.plan", Selection(documents=documents), sizes).text)
    catalog = open_catalog(workspace.catalog_path)
    try:
        with catalog.reading() as connection:
            pages = selected_page_ids(connection, documents, order.pages_per_document)
        for outcome in _submit(workspace, catalog, pages, order.retry_failed):
            tell(outcome.text)
    finally:
        catalog.close()
    return Named(documents, pages, imported.numbers["unopened"])


def drive(workspace: Workspace, named: Named) -> Summary:
    """Drive until nothing is under way. Raises Interrupted."""
    catalog = open_catalog(workspace.catalog_path)
    try:
        follow(workspace, catalog, Scope(named.document_ids, named.page_ids))
        return summarise(catalog, named.document_ids, named.page_ids).with_lost_files(named.lost_files)
    finally:
        catalog.close()


def run_all(workspace: Workspace, order: RunOrder) -> tuple[Summary, float]:
    """Everything; returns the figures and the seconds it took."""
    began_s = time.monotonic()
    summary = drive(workspace, take_in(workspace, order))
    return summary, time.monotonic() - began_s


def _submit(
    workspace: Workspace, catalog: Catalog, pages: Sequence[int], retry_failed: bool
) -> Iterator[Outcome]:
    batches = _planned_batches(catalog, pages)
    if batches:
        yield act(workspace, "batch.submit", Selection(batches=batches))
    failed = _failed(catalog, pages) if retry_failed else ()
    if failed:
        yield act(workspace, "page.resubmit", Selection(pages=failed))


def _planned_batches(catalog: Catalog, pages: Sequence[int]) -> tuple[int, ...]:
    """Batches that were never submitted, or came back, and hold some of these pages."""
    return _distinct(catalog, pages, "planned", "batch_id")


def _failed(catalog: Catalog, pages: Sequence[int]) -> tuple[int, ...]:
    return _distinct(catalog, pages, "failed", "id") + _distinct(catalog, pages, "gave_up", "id")


def _distinct(catalog: Catalog, pages: Sequence[int], state: str, column: str) -> tuple[int, ...]:
    from sqlalchemy import select

    from bocr_tui.catalog import core

    wanted = core.page.c[column]
    statement = (
        select(wanted)
        .distinct()
        .where(core.page.c.state == state, wanted.is_not(None), Scope(page_ids=pages).page_condition())
        .order_by(wanted)
    )
    with catalog.reading() as connection:
        return tuple(connection.execute(statement).scalars())
