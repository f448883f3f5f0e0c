"""Opening the catalog: journal mode, integrity, version, migrations.

A catalog is never overwritten: one of a newer version or a damaged one is refused with words.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from bocr_tui.catalog.filesystem import network_filesystem
from bocr_tui.catalog.trouble import damaged, trouble_of
from bocr_tui.config.errors import CatalogError

BUSY_TIMEOUT_S = 30.0
"""How long a writer waits for another: an ingest commits in milliseconds, an import in well under this."""

HEAD = "0005"
"""The newest migration this program knows."""

_APPLICATION_ID = 0x626F6372
"""`bocr`: tells our files from any other SQLite database."""


class Catalog:
    """An open catalog. `reading()` and `writing()` are the only ways in; writers queue, readers go on."""

    def __init__(self, path: Path, engine: Engine) -> None:
        self.path = path
        self._engine = engine

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that takes the write lock at once, commits at the end, rolls back on an error."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent snapshot."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def close(self) -> None:
        self._engine.dispose()


def create_catalog_engine(path: Path) -> Engine:
    """An engine with transactions of our own (the driver's implicit ones are off) and our pragmas."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=NullPool if str(path) == ":memory:" else None,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _: Any) -> None:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")

    return engine


def open_catalog(path: Path, *, create: bool = True) -> Catalog:
    """Open, check and migrate the catalog at `path`.

    Raises CatalogError: missing (with create False), damaged, of a newer version, no catalog of ours, or on
    a network filesystem where write-ahead logging is unsafe.
    """
    exists = path.exists() and path.stat().st_size > 0
    if not exists and not create:
        raise CatalogError(f"{path} does not exist.", "Run `bocr init` or name the workspace with -w.")
    filesystem = network_filesystem(path.parent)
    if filesystem is not None:
        raise CatalogError(
            f"{path.parent} lies on a network filesystem ({filesystem}): a write-ahead log is unsafe there.",
            "Keep the workspace on a local disk; a site's folders may lie anywhere.",
        )
    if exists:
        _check(path)
    engine = create_catalog_engine(path)
    try:
        _migrate(engine, path)
    except (sqlite3.DatabaseError, DBAPIError) as error:
        engine.dispose()
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise trouble_of(path, cause if isinstance(cause, sqlite3.Error) else sqlite3.Error(cause)) from error
    return Catalog(path, engine)


def _check(path: Path) -> None:
    """Read what can be read without changing anything."""
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
    except sqlite3.Error as error:
        raise CatalogError(f"{path} cannot be opened: {error}.", "Check its permissions.") from error
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if application != _APPLICATION_ID and tables:
            raise CatalogError(
                f"{path} is a database of another program.", "Choose another folder for the workspace."
            )
        problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise damaged(path, problem)
    except sqlite3.DatabaseError as error:
        raise trouble_of(path, error) from error
    finally:
        connection.close()


def _migrate(engine: Engine, path: Path) -> None:
    from alembic.runtime.migration import MigrationContext

    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        current = MigrationContext.configure(connection).get_current_revision()
    if current == HEAD:
        return
    if current is not None and current > HEAD:
        raise CatalogError(
            f"{path} was written by a newer bocr (catalog version {current}; this one knows {HEAD}).",
            "Upgrade bocr, or use the version that wrote it.",
        )
    _upgrade(engine)


def _upgrade(engine: Engine) -> None:
    """Run alembic inside one immediate transaction, so that two starts at once migrate once."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")


def now() -> float:
    """Seconds since the epoch: the catalog's clock."""
    return time.time()
