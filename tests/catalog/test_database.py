"""Opening a catalog: what is ours is migrated, what is not is left alone with words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlmodel import SQLModel

from bocr_tui.catalog import core
from bocr_tui.catalog.database import create_catalog_engine, open_catalog
from bocr_tui.catalog.filesystem import network_filesystem
from bocr_tui.config.errors import CatalogError


def test_migrations_and_tables_agree(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    open_catalog(tmp_path / "catalog.db").close()
    with create_catalog_engine(tmp_path / "catalog.db").connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []
        live = {i["name"]: i for i in inspect(connection).get_indexes("reservation")}
    assert live["uq_reservation_live_page"]["unique"]
    assert "released_at IS NULL" in str(live["uq_reservation_live_page"]["dialect_options"]["sqlite_where"])


def test_a_catalog_opens_again_with_what_was_committed(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "catalog.db")
    with catalog.writing() as connection:
        connection.execute(core.setting.insert().values(key="a", value="b"))
    with pytest.raises(RuntimeError), catalog.writing() as connection:
        connection.execute(core.setting.insert().values(key="c", value="d"))
        raise RuntimeError
    catalog.close()
    with open_catalog(tmp_path / "catalog.db", create=False).reading() as connection:
        assert connection.execute(core.setting.select()).all() == [("a", "b")]
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_missing_catalog_is_not_made_when_it_should_be_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="does not exist"):
        open_catalog(tmp_path / "catalog.db", create=False)
    assert not (tmp_path / "catalog.db").exists()


def test_a_newer_catalog_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    open_catalog(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CatalogError, match="newer bocr"):
        open_catalog(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


@pytest.mark.parametrize("damage", ["header", "middle", "cut"])
def test_a_damaged_catalog_is_detected_and_never_overwritten(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "catalog.db"
    open_catalog(path).close()
    data = bytearray(path.read_bytes())
    if damage == "header":
        data[0:16] = b"not a database!!"
    elif damage == "middle":
        data[8192 : 8192 + 40_000] = b"\xa5" * 40_000
    else:
        del data[len(data) // 3 :]
    path.write_bytes(data)
    for extra in ("catalog.db-wal", "catalog.db-shm"):
        (tmp_path / extra).unlink(missing_ok=True)
    before = path.read_bytes()
    with pytest.raises(CatalogError, match=r"damaged|another program"):
        open_catalog(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(CatalogError, match="another program"):
        open_catalog(path)


def test_a_network_filesystem_is_known_by_the_longest_mount_point(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n")
    assert network_filesystem(tmp_path, mounts) == "nfs4"
    assert network_filesystem(Path("/"), mounts) is None
    assert network_filesystem(tmp_path, tmp_path / "none") is None
