"""Who drives is known by more than a name, and by clocks that stand still or jump."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bocr_tui.catalog.database import Catalog, now, open_catalog
from bocr_tui.control import lease as driver_lease
from bocr_tui.control import site_lease
from bocr_tui.control.events import Trouble
from bocr_tui.control.lease import DriverLease
from bocr_tui.control.site_lease import SiteLease
from bocr_tui.sites.helper import drivers
from tests.control.puppet import Stage


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


async def test_who_slept_in_the_middle_of_a_round_and_lost_it_submits_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy took the lease after it had lapsed; the sleeper's next step asks before it acts."""
    drive, copy = drivers.drive_catalog, {"place": "elsewhere", "host": "desktop"}
    wall, catalog = [now()], site_lease.catalog_id(stage.campaign.catalog)
    monkeypatch.setattr(site_lease, "now", lambda: wall[0])

    async def sleep(*_: object) -> None:
        (held,) = (stage.root / "drivers" / catalog).iterdir()
        os.utime(held, (0, 0))
        drive(str(stage.root), catalog, copy)
        wall[0] += 8 * 3600.0

    monkeypatch.setattr(stage.driver._carrier, "carry_out", sleep)
    await stage.ticks()
    assert stage.puppet.of("submit") == [] and stage.states() == ["planned", "planned"]
    assert any("on desktop drives" in event.text for event in stage.told if isinstance(event, Trouble))
    stage.again()
    await stage.ticks()
    assert stage.puppet.of("submit") == [], "nor does a new driver, while the copy drives"
    drivers.leave_catalog(str(stage.root), catalog, copy["place"])
    stage.again()
    await stage.ticks(2)
    assert len(stage.puppet.of("submit")) == 2


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
