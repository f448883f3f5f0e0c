"""From the catalog and its results to files: document by document, page by page, nothing held in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import func, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.results import ResultUnreadable, read_result
from bocr_tui.config.workspace import Workspace
from bocr_tui.export import rows
from bocr_tui.export.files import WholeFile, prepare_destination
from bocr_tui.export.format import Format, ReadPage
from bocr_tui.export.formats import formats_named
from bocr_tui.export.names import NameBook
from bocr_tui.export.rows import ExportDocument, ExportPage

UNVERIFIED = "unverified"
"""The class an export gives to an ok page whose stored result is gone or not what the journal says."""

_PROBLEMS_KEPT = 20

Progress = Callable[[int, int, str], None]
"""Pages done, pages in all, the document's name."""


class _Stopped(Exception):
    """Somebody asked to stop; whole documents written so far stay."""


@dataclass
class ExportReport:
    """What was written. `pages` = `ok` + `missing` + `ignored`.

    `missing` counts pages without a text (failed, given up, not read, and the `unverified` ones),
    `unreadable` documents without a page. `problems` are sentences, the first few. `stopped`: the files that
    hold all documents together were not written.
    """

    destination: Path
    documents: int = 0
    unreadable: int = 0
    pages: int = 0
    ok: int = 0
    missing: int = 0
    ignored: int = 0
    unverified: int = 0
    files: int = 0
    problems: list[str] = field(default_factory=list)
    stopped: bool = False

    @property
    def well(self) -> bool:
        """Every page that was wanted is there."""
        return not (self.missing or self.unreadable or self.stopped)


def export(
    workspace: Workspace,
    catalog: Catalog,
    destination: Path,
    *,
    formats: tuple[str, ...] = (),
    document_ids: Sequence[int] | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> ExportReport:
    """Write the documents (all of them for None) in the formats (all of them for none).

    A file appears whole or not at all; files that no export wrote are never replaced. Raises UsageError
    for an unknown format or a destination where such files stand in the way.
    """
    chosen = formats_named(formats)
    ids, total = rows.count_all(catalog, document_ids)
    book = NameBook(rows.names_of_all(catalog))
    prepare_destination(destination, _file_names(chosen, book, ids))
    report = ExportReport(destination)
    run = _Run(workspace, catalog, chosen, report, total, progress, stop)
    try:
        with ExitStack() as shared:
            together = {
                entry: shared.enter_context(_open(entry, destination)) for entry in chosen if entry.file_name
            }
            for document in rows.documents(catalog, ids):
                run.write(replace(document, stem=book.stem(document.id)), together)
        report.files += len(together)
    except _Stopped:
        report.stopped = True
    return report


def _file_names(chosen: Sequence[Format], book: NameBook, ids: Sequence[int]) -> set[str]:
    shared = {entry.file_name for entry in chosen if entry.file_name}
    own = [entry for entry in chosen if not entry.file_name]
    return shared | {entry.file_for(book.stem(number)) for entry in own for number in ids}


@contextmanager
def _open(entry: Format, destination: Path, stem: str = "") -> Iterator[WholeFile]:
    with WholeFile(destination / entry.file_for(stem), entry.encoding) as stream:
        stream.write(entry.start)
        yield stream


@dataclass
class _Run:
    """One export under way."""

    workspace: Workspace
    catalog: Catalog
    formats: Sequence[Format]
    report: ExportReport
    total: int
    progress: Progress | None
    stop: threading.Event | None
    done: int = 0

    def write(self, document: ExportDocument, together: Mapping[Format, WholeFile]) -> None:
        counts = self._counts(document.id)
        with ExitStack() as own:
            streams = dict(together)
            for entry in self.formats:
                if entry not in streams:
                    streams[entry] = own.enter_context(_open(entry, self.report.destination, document.stem))
            for entry, stream in streams.items():
                stream.write(entry.document(document, counts))
            for page in rows.pages(self.catalog, document.id):
                read = self._read(document, page)
                for entry, stream in streams.items():
                    stream.write(entry.page(document, read))
                self._step(document.name)
        self.report.documents += 1
        self.report.unreadable += not counts
        self.report.files += len(streams) - len(together)

    def _counts(self, document_id: int) -> dict[str, int]:
        page = core.page
        statement = (
            select(page.c.state, func.count())
            .where(page.c.document_id == document_id)
            .group_by(page.c.state)
            .order_by(page.c.state)
        )
        with self.catalog.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def _read(self, document: ExportDocument, page: ExportPage) -> ReadPage:
        """Raises nothing: a result that cannot be believed becomes a failed page that says so."""
        self.report.pages += 1
        if page.locator is None:
            if page.state == "ignored":
                self.report.ignored += 1
                return ReadPage(page, None)
            self.report.missing += 1
            return ReadPage(
                page if page.state != "ok" else _unverified(page, "it has no stored result"), None
            )
        try:
            result = read_result(self.workspace.results, page.locator)
            if (result.document, result.page) != (document.sha256, page.number):
                raise ResultUnreadable("The stored result is another page's.", "Resubmit the page.")
        except ResultUnreadable as error:
            self.report.missing += 1
            self.report.unverified += 1
            if len(self.report.problems) < _PROBLEMS_KEPT:
                self.report.problems.append(f"{document.name} page {page.number}: {error}")
            return ReadPage(_unverified(page, error.cause), None)
        self.report.ok += 1
        return ReadPage(page, result.recognition)

    def _step(self, name: str) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total, name)
        if self.stop is not None and self.stop.is_set():
            raise _Stopped


def _unverified(page: ExportPage, cause: str) -> ExportPage:
    return replace(page, state="failed", failure=UNVERIFIED, reason=" ".join(cause.split()), locator=None)
