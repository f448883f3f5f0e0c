"""Of several copies of one workspace, one drives its jobs on a site."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from bocr_tui.sites.helper import drivers
from bocr_tui.sites.helper.refusal import Refused

HERE = {"place": "laptop:/a/catalog.db", "host": "laptop"}
COPY = {"place": "desktop:/b/catalog.db", "host": "desktop\x1b[2J"}


def test_the_same_place_takes_it_again_and_another_is_refused(tmp_path: Path) -> None:
    root = str(tmp_path)
    drivers.drive_catalog(root, "c1", HERE)
    drivers.drive_catalog(root, "c1", HERE)
    with pytest.raises(Refused, match="laptop"):
        drivers.drive_catalog(root, "c1", COPY)
    drivers.drive_catalog(root, "c2", COPY)
    assert {path.name for path in (tmp_path / "drivers").iterdir()} == {"c1.json", "c2.json"}


def test_it_passes_on_when_it_is_given_back_or_has_lapsed(tmp_path: Path) -> None:
    root = str(tmp_path)
    drivers.drive_catalog(root, "c1", HERE)
    drivers.leave_catalog(root, "c1", COPY["place"])
    with pytest.raises(Refused):
        drivers.drive_catalog(root, "c1", COPY)
    drivers.leave_catalog(root, "c1", HERE["place"])
    drivers.drive_catalog(root, "c1", COPY)
    long_ago = time.time() - drivers.LEASE_S - 1
    os.utime(tmp_path / "drivers" / "c1.json", (long_ago, long_ago))
    drivers.drive_catalog(root, "c1", HERE)


def test_what_lies_there_instead_is_no_holder(tmp_path: Path) -> None:
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / "c1.json").write_bytes(b"\xff[1]")
    drivers.drive_catalog(str(tmp_path), "c1", HERE)
    with pytest.raises(ValueError, match="letters"):
        drivers.drive_catalog(str(tmp_path), "../c1", HERE)


def test_where_a_file_cannot_be_touched_who_drives_goes_on_driving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(95, "Operation not supported")

    drivers.drive_catalog(str(tmp_path), "c1", HERE)
    monkeypatch.setattr(os, "utime", refuse)
    drivers.drive_catalog(str(tmp_path), "c1", HERE)
    with pytest.raises(Refused):
        drivers.drive_catalog(str(tmp_path), "c1", COPY)


def test_where_the_quota_is_used_up_who_drives_goes_on_driving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written for it: what has arrived could not be fetched otherwise, nor room be made."""
    root, path = str(tmp_path), tmp_path / "drivers" / "c1.json"
    drivers.drive_catalog(root, "c1", HERE)
    long_ago = time.time() - 100
    os.utime(path, (long_ago, long_ago))

    def full(*_: object, **__: object) -> None:
        raise OSError(122, "Disk quota exceeded")

    with monkeypatch.context() as patched:
        patched.setattr(drivers.json, "dump", full)
        drivers.drive_catalog(root, "c1", HERE)
    assert time.time() - path.stat().st_mtime < 60
    with monkeypatch.context() as patched, pytest.raises(OSError, match="quota"):
        patched.setattr(drivers.json, "dump", full)
        drivers.drive_catalog(root, "c2", HERE)
    assert {one.name for one in path.parent.iterdir()} == {"c1.json"}, "nothing half is left"
