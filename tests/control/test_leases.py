"""Who drives is known by more than a name, and by clocks that stand still or jump."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.control import lease as driver_lease
from bocr_tui.control import site_lease
from bocr_tui.control.lease import DriverLease
from bocr_tui.control.site_lease import SiteLease


class _Transport:
    def __init__(self) -> None:
        self.places: list[str] = []

    async def call(self, function: str, catalog: str, who: Any, **_: object) -> None:
        assert function == "drive_catalog"
        self.places.append(who["place"])


def _lease(catalog: Catalog, transport: _Transport) -> SiteLease:
    config = SimpleNamespace(transport="ssh", scheduler="pbs")
    site: Any = SimpleNamespace(config=config, transport=transport)
    return SiteLease(catalog, site)


async def test_a_copy_at_the_same_path_of_a_machine_of_the_same_name_is_another_place(tmp_path: Path) -> None:
    transport, path = _Transport(), tmp_path / "catalog.db"
    catalog = open_catalog(path)
    await _lease(catalog, transport).renew()
    catalog.close()
    shutil.copy(path, tmp_path / "copy.db")
    shutil.move(tmp_path / "copy.db", path)
    catalog = open_catalog(path)
    await _lease(catalog, transport).renew()
    await _lease(catalog, transport).renew()
    catalog.close()
    first, copy, again = transport.places
    assert first != copy and copy == again


async def test_after_a_sleep_the_lease_is_asked_for_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock that only goes forward stands still while a laptop is closed; the lease does not."""
    catalog, transport = open_catalog(tmp_path / "catalog.db"), _Transport()
    wall = [1000.0]
    monkeypatch.setattr(site_lease.time, "monotonic", lambda: 50.0)
    monkeypatch.setattr(site_lease, "now", lambda: wall[0], raising=False)
    lease = _lease(catalog, transport)
    for moment, asked in ((1000.0, 1), (1030.0, 1), (9000.0, 2), (9010.0, 2), (100.0, 3)):
        wall[0] = moment
        await lease.renew()
        assert len(transport.places) == asked
    catalog.close()


def test_a_clock_that_is_set_back_keeps_no_lease_from_being_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = open_catalog(tmp_path / "catalog.db")
    wall = [9000.0]
    monkeypatch.setattr(driver_lease, "now", lambda: wall[0])
    lease = DriverLease(catalog)
    lease.take()
    wall[0] = 5400.0
    lease.renew()
    with catalog.reading() as connection:
        (value,) = connection.exec_driver_sql("SELECT value FROM setting WHERE key = 'driver'").one()
    assert '"at": 5400.0' in value
    catalog.close()
