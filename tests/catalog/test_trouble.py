"""What SQLite refuses is told for what it is: nobody is sent to replace a sound catalog."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from bocr_tui.catalog.database import open_catalog
from bocr_tui.catalog.lists import open_reader
from bocr_tui.catalog.trouble import next_step_of, trouble_of
from bocr_tui.config.errors import CatalogError


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """As on a full disk or over a quota: what would write past a thousand bytes is refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.db"
    open_catalog(path).close()
    for extra in ("catalog.db-wal", "catalog.db-shm"):
        (tmp_path / extra).unlink(missing_ok=True)
    return path


@pytest.mark.parametrize("opening", [open_catalog, open_reader])
def test_a_catalog_that_cannot_grow_is_never_called_damaged(sound: Path, opening: object) -> None:
    with no_file_may_grow(), pytest.raises(CatalogError) as refused:
        assert callable(opening)
        opening(sound)
    assert "damaged" not in str(refused.value)
    assert "disk" in f"{refused.value.cause} {refused.value.next_step}"
    assert "backup" not in refused.value.next_step
    open_catalog(sound).close()


def test_a_full_disk_is_named(sound: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(sound)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    with no_file_may_grow(), pytest.raises(CatalogError, match="no space left"):
        open_catalog(sound)


def test_a_file_that_reached_its_limit_is_a_full_disk(sound: Path) -> None:
    with sqlite3.connect(sound) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.Error) as full:
            for n in range(200):
                connection.execute("INSERT INTO setting (key, value) VALUES (?, ?)", (str(n), "x" * 4000))
    assert "no space left" in trouble_of(sound, full.value).cause


def test_a_catalog_that_may_not_be_written_says_so(sound: Path) -> None:
    reading = sqlite3.connect(f"{sound.as_uri()}?mode=ro", uri=True)
    with pytest.raises(sqlite3.Error) as shut:
        reading.execute("DELETE FROM setting")
    reading.close()
    told = trouble_of(sound, shut.value)
    assert "readonly" in told.cause and "permissions" in told.next_step
    assert "permissions" in next_step_of(shut.value)


def test_an_older_catalog_that_cannot_grow_while_it_is_brought_up_to_date_says_so(
    sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sqlite3.connect(sound) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    error = sqlite3.OperationalError("attempt to write a readonly database")
    error.sqlite_errorcode = sqlite3.SQLITE_READONLY

    def refuse(engine: Engine) -> None:
        raise OperationalError("CREATE INDEX", {}, error)

    monkeypatch.setattr("bocr_tui.catalog.database._upgrade", refuse)
    with pytest.raises(CatalogError, match="cannot be opened or written") as refused:
        open_catalog(sound)
    assert "permissions" in refused.value.next_step
