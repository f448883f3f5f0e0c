"""How sites and the autopilot stand, for faces that load no SQLAlchemy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import insert

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now, open_catalog
from bocr_tui.catalog.lists import Reader, open_reader
from bocr_tui.catalog.lists_sites import SiteRow, autopilot_of, sites_of
from bocr_tui.control.autopilot import set_autopilot
from bocr_tui.control.requests import pause_site, resume_site
from bocr_tui.control.site_status import Standing
from bocr_tui.control.upload_rows import pause_upload, resume_upload


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return open_catalog(tmp_path / "catalog.db")


@pytest.fixture
def reader(catalog: Catalog) -> Reader:
    return open_reader(catalog.path)


def one(reader: Reader, name: str = "inpt") -> SiteRow:
    return next(row for row in sites_of(reader, [name]) if row.name == name)


def test_a_site_is_known_by_configuration_by_status_by_jobs_and_by_a_pause(
    catalog: Catalog, reader: Reader
) -> None:
    Standing(link="connected").write(catalog, "seen", now_please=True)
    pause_site(catalog, "paused")
    chain = {"id": 1, "kind": "batch", "site": "worked", "state": "live", "pipeline": {}, "created_at": 0.0}
    job = {"chain_id": 1, "stage": 0, "engine": "noop", "site": "worked", "created_at": 0.0, "heartbeat": {}}
    with catalog.writing() as connection:
        connection.execute(insert(core.chain), [chain])
        connection.execute(
            insert(core.job),
            [{**job, "token": f"b{n}", "try_number": n, "state": state} for n, state in enumerate(STATES)],
        )
    rows = {row.name: row for row in sites_of(reader, ["configured"])}
    assert sorted(rows) == ["configured", "paused", "seen", "worked"]
    assert rows["worked"].jobs == {"finished": 1, "queued": 1, "running": 2}
    assert rows["worked"].living_jobs == 3
    assert (rows["configured"].link, rows["configured"].states) == ("closed", frozenset({"closed"}))
    assert len({row.id for row in rows.values()}) == 4


STATES = ("running", "running", "queued", "finished")


def test_a_person_s_pause_and_a_link_that_waits_for_a_person_both_count_as_paused(
    catalog: Catalog, reader: Reader
) -> None:
    pause_site(catalog, "inpt")
    row = one(reader)
    assert row.is_paused and row.is_troubled and row.states == {"paused"}
    assert row.paused_at == pytest.approx(now(), abs=30)
    resume_site(catalog, "inpt")
    assert not one(reader).is_paused
    Standing(link="paused", reason="A one-time code is needed.").write(catalog, "inpt", now_please=True)
    row = one(reader)
    assert (row.is_paused, row.paused_at, row.reason) == (True, None, "A one-time code is needed.")
    pause_upload(catalog, "inpt")
    assert one(reader).states == {"paused", "uploads_paused"}
    resume_upload(catalog, "inpt")
    assert one(reader).uploads_paused_at is None


def test_only_jobs_that_live_can_make_a_site_stale() -> None:
    alive = {"running": 1}
    assert SiteRow("inpt", polled_at=0.0).stale_s(1000.0) is None
    assert SiteRow("inpt", polled_at=990.0, looked_at=700.0, jobs=alive).stale_s(1000.0) is None
    assert SiteRow("inpt", polled_at=900.0, looked_at=990.0, jobs=alive).stale_s(1000.0) == 100.0
    assert SiteRow("inpt", polled_at=999.0, looked_at=0.0, jobs=alive).stale_s(1000.0) == 1000.0
    assert SiteRow("inpt", jobs=alive).stale_s(1000.0) is None


def test_the_autopilot_is_seen_with_its_reason(catalog: Catalog, reader: Reader) -> None:
    assert not autopilot_of(reader).on
    set_autopilot(catalog, True)
    assert autopilot_of(reader).on
    set_autopilot(catalog, False, "everything planned is done")
    assert (autopilot_of(reader).on, autopilot_of(reader).reason) == (False, "everything planned is done")


def test_a_catalog_of_an_older_version_has_no_sites_and_is_no_error(catalog: Catalog, reader: Reader) -> None:
    with catalog.writing() as connection:
        connection.exec_driver_sql("DROP TABLE site_status")
        connection.exec_driver_sql("DROP TABLE site_document")
    assert sites_of(reader) == []


def test_reading_them_loads_no_library() -> None:
    program = (
        "import sys; import bocr_tui.catalog.lists_sites;"
        "print([name for name in ('sqlmodel', 'sqlalchemy', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
