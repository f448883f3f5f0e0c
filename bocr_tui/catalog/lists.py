"""What the lists show, read with plain sqlite3: a first frame does not wait for SQLModel.

A list is an array of ids in order (8 bytes a row) and rows fetched by id, a screenful at a time. The
connection is read-only; a Reader may be used from any thread, one call at a time.
"""

from __future__ import annotations

import sqlite3
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from bocr_tui.catalog.list_fetch import (
    EVENTS,
    EVENTS_OF_BATCH,
    EVENTS_OF_JOB,
    FAILURES,
    FAILURES_OF_BATCH,
    SOURCES,
    attempts_of,
    fetch,
    fetch_batches,
    fetch_documents,
    fetch_jobs,
    fetch_pages,
)
from bocr_tui.catalog.list_query import (
    BatchFilter,
    BatchOrder,
    DocumentFilter,
    DocumentOrder,
    JobFilter,
    JobOrder,
    PageFilter,
    PageOrder,
    Query,
    batch_queries,
    document_queries,
    fold,
    job_queries,
    page_queries,
)
from bocr_tui.catalog.list_rows import (
    AttemptRow,
    BatchRow,
    Counts,
    DocumentRow,
    EventRow,
    JobRow,
    PageRow,
    SourceRow,
    Tally,
)
from bocr_tui.catalog.trouble import trouble_of
from bocr_tui.config.errors import CatalogError


class _Identified(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=_Identified)
Filter = TypeVar("Filter")
Order = TypeVar("Order", bound=str)

QueryFilter = TypeVar("QueryFilter", contravariant=True)
QueryOrder = TypeVar("QueryOrder", bound=str, contravariant=True)


class Queries(Protocol[QueryFilter, QueryOrder]):
    """Makes the statements of a list."""

    def __call__(
        self, wanted: QueryFilter, order: QueryOrder, /, *, backwards: bool = False
    ) -> list[Query]: ...


_FIRST = itemgetter(0)

BUSY_TIMEOUT_S = 5.0
"""Readers never wait for a writer under WAL; this is for the moment in which the log is folded back."""

ROWS_AT_ONCE = 500
"""Ids in one statement: well under SQLite's limit of bound values."""

_APPLICATION_ID = 0x626F6372
"""`bocr`, as the catalog's own opening writes it."""


class NoCatalog(CatalogError):
    """Nothing has been imported into this workspace yet."""


class Listing(Generic[Row, Filter, Order]):
    """One list: its ids in an order, its rows by id."""

    def __init__(
        self,
        reader: Reader,
        queries: Queries[Filter, Order],
        fetch: Callable[[sqlite3.Connection, Sequence[int]], list[Row]],
    ) -> None:
        self._reader = reader
        self._queries = queries
        self._fetch = fetch

    def ids(
        self, wanted: Filter, order: Order, *, limit: int | None = None, backwards: bool = False
    ) -> array[int]:
        """The ids of every row wanted, in order; with `limit` only the first ones."""
        found: array[int] = array("q")
        with self._reader.snapshot() as connection:
            for query in self._queries(wanted, order, backwards=backwards):
                left = -1 if limit is None else limit - len(found)
                cursor = connection.execute(f"{query.sql} LIMIT ?", (*query.parameters, left))
                found.extend(map(_FIRST, cursor))
        return found

    def count(self, wanted: Filter, order: Order, limit: int) -> int:
        """How many rows are wanted, counted up to `limit`."""
        found = 0
        with self._reader.snapshot() as connection:
            for query in self._queries(wanted, order, backwards=False):
                sql = f"SELECT count(*) FROM ({query.sql} LIMIT ?)"  # noqa: S608 - our own statement
                found += connection.execute(sql, (*query.parameters, limit - found)).fetchone()[0]
        return found

    def rows(self, ids: Sequence[int]) -> list[Row]:
        """The rows of these ids, in their order; one that is no more is left out."""
        found: list[Row] = []
        with self._reader.snapshot() as connection:
            for start in range(0, len(ids), ROWS_AT_ONCE):
                chunk = list(ids[start : start + ROWS_AT_ONCE])
                by_id = {row.id: row for row in self._fetch(connection, chunk)}
                found.extend(by_id[each] for each in chunk if each in by_id)
        return found

    def each(self, wanted: Filter, order: Order) -> Iterator[Row]:
        """Every row wanted, read a chunk at a time: for streams that must not hold a million rows."""
        ids = self.ids(wanted, order)
        for start in range(0, len(ids), ROWS_AT_ONCE):
            yield from self.rows(ids[start : start + ROWS_AT_ONCE])


class Reader:
    """A read-only look at one catalog. Every method raises CatalogError when the catalog cannot be read."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()
        self.pages: Listing[PageRow, PageFilter, PageOrder] = Listing(self, page_queries, fetch_pages)
        self.documents: Listing[DocumentRow, DocumentFilter, DocumentOrder] = Listing(
            self, document_queries, fetch_documents
        )
        self.batches: Listing[BatchRow, BatchFilter, BatchOrder] = Listing(self, batch_queries, fetch_batches)
        self.jobs: Listing[JobRow, JobFilter, JobOrder] = Listing(self, job_queries, fetch_jobs)

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """One consistent view for several statements."""
        with self._lock:
            try:
                if self._connection.in_transaction:
                    yield self._connection
                    return
                self._connection.execute("BEGIN")
                try:
                    yield self._connection
                finally:
                    self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise trouble_of(self.path, error) from error

    def data_version(self) -> int:
        """A number that changes when another connection has committed. Only this Reader's own answers can
        be compared with each other."""
        with self._lock:
            try:
                return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error as error:
                raise trouble_of(self.path, error) from error

    def counts(self) -> Counts:
        """How many of everything are in each state."""
        with self.snapshot() as connection:
            tallies = {
                table: Tally(dict(connection.execute(f"SELECT state, count(*) FROM {table} GROUP BY state")))  # noqa: S608 - our own names
                for table in ("page", "document", "batch", "job")
            }
            failures = dict(connection.execute(FAILURES))
        return Counts(tallies["page"], tallies["document"], tallies["batch"], tallies["job"], failures)

    def failures_of_batch(self, batch_id: int) -> dict[str, int]:
        """Failed and given-up pages of a batch, by class, the commonest first."""
        with self.snapshot() as connection:
            return dict(connection.execute(FAILURES_OF_BATCH, (batch_id,)))

    def attempts(self, page_id: int) -> list[AttemptRow]:
        """Everything that was tried on a page, the first try first."""
        with self.snapshot() as connection:
            return attempts_of(connection, page_id)

    def sources(self, document_id: int) -> list[SourceRow]:
        """The paths of a document, those that are there first."""
        with self.snapshot() as connection:
            return fetch(connection, SourceRow, SOURCES, (document_id,))

    def events(self, limit: int) -> list[EventRow]:
        """The newest events of the timeline, newest first."""
        with self.snapshot() as connection:
            return fetch(connection, EventRow, EVENTS, (limit,))

    def events_of_job(self, job_id: int, limit: int) -> list[EventRow]:
        """The newest events of a job and of the batches it works on, newest first."""
        with self.snapshot() as connection:
            return fetch(connection, EventRow, EVENTS_OF_JOB, (job_id, limit))

    def events_of_batch(self, batch_id: int, limit: int) -> list[EventRow]:
        """The newest events of a batch and of the jobs that worked on it, newest first."""
        with self.snapshot() as connection:
            return fetch(connection, EventRow, EVENTS_OF_BATCH, (batch_id, limit))

    def setting(self, key: str) -> str | None:
        """A small fact of the catalog, None where it is not set."""
        with self.snapshot() as connection:
            row = connection.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def interrupt(self) -> None:
        """End the statement that runs now, from another thread: its caller gets a CatalogError."""
        self._connection.interrupt()

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def open_reader(path: Path) -> Reader:
    """Open the catalog at `path` for reading only. Raises NoCatalog, CatalogError: not ours, unreadable."""
    if not path.is_file() or path.stat().st_size == 0:
        raise NoCatalog(f"There is no catalog yet at {path}.", "Run `bocr import FOLDER` to begin.")
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.create_function("folded", 1, fold, deterministic=True)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    except sqlite3.Error as error:
        raise trouble_of(path, error) from error
    if application != _APPLICATION_ID:
        connection.close()
        raise CatalogError(
            f"{path} is no catalog of bocr, or is only just being made.",
            "Name another workspace if this does not pass.",
        )
    return Reader(path, connection)
