"""Of several copies of one workspace, one drives its jobs on a site."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.sites.helper import drivers
from bocr_tui.sites.helper.refusal import Refused

HERE = {"place": "laptop:/a/catalog.db", "host": "laptop"}
COPY = {"place": "desktop:/b/catalog.db", "host": "desktop\x1b[2J"}


def lease(root: Path, catalog: str = "c1") -> Path:
    (path,) = (root / "drivers" / catalog).iterdir()
    return path


def lapse(root: Path) -> None:
    long_ago = time.time() - drivers.LEASE_S - 1
    os.utime(lease(root), (long_ago, long_ago))


def test_the_same_place_takes_it_again_and_another_is_refused(tmp_path: Path) -> None:
    root = str(tmp_path)
    first = drivers.drive_catalog(root, "c1", HERE)
    assert drivers.drive_catalog(root, "c1", HERE) == first + 1
    with pytest.raises(Refused, match="laptop"):
        drivers.drive_catalog(root, "c1", COPY)
    drivers.drive_catalog(root, "c2", COPY)
    with pytest.raises(Refused, match=r"on desktop_+2J drives"):
        drivers.drive_catalog(root, "c2", HERE)
    assert sorted(path.name for path in (tmp_path / "drivers").iterdir()) == ["c1", "c2"]


def test_it_passes_on_when_it_is_given_back_or_has_lapsed(tmp_path: Path) -> None:
    root = str(tmp_path)
    drivers.drive_catalog(root, "c1", HERE)
    drivers.leave_catalog(root, "c1", COPY["place"])
    with pytest.raises(Refused):
        drivers.drive_catalog(root, "c1", COPY)
    drivers.leave_catalog(root, "c1", HERE["place"])
    before = drivers.drive_catalog(root, "c1", COPY)
    lapse(tmp_path)
    assert drivers.drive_catalog(root, "c1", HERE) > before
    with pytest.raises(Refused, match="laptop"):
        drivers.drive_catalog(root, "c1", COPY)


def test_what_lies_there_instead_is_no_holder(tmp_path: Path) -> None:
    (tmp_path / "drivers" / "c1").mkdir(parents=True)
    drivers.drive_catalog(str(tmp_path), "c1", HERE)
    (tmp_path / "drivers" / "c1" / "99999-copy").touch()
    drivers.drive_catalog(str(tmp_path), "c1", HERE)
    with pytest.raises(ValueError, match="letters"):
        drivers.drive_catalog(str(tmp_path), "../c1", HERE)
    (tmp_path / "drivers" / "c2").mkdir()
    (tmp_path / "drivers" / "c2" / "something").touch()
    with pytest.raises(Refused, match="cannot be made out") as refused:
        drivers.drive_catalog(str(tmp_path), "c2", HERE)
    assert str(tmp_path / "drivers" / "c2") in refused.value.next_step


def _take_when_told(root: str, number: int, start: Any, won: Any) -> None:
    who = {"place": f"place {number}", "host": f"box{number}"}
    for name in ("new", "lapsed"):
        start.wait()
        try:
            drivers.drive_catalog(root, name, who)
            won.put((name, number))
        except Refused:
            pass


def test_of_many_who_take_it_at_once_one_holds_it(tmp_path: Path) -> None:
    """A new one, and one that has lapsed, each on the file system alone: in processes of their own."""
    context, root, takers = multiprocessing.get_context("fork"), str(tmp_path), 16
    for _ in range(6):
        drivers.drive_catalog(root, "lapsed", HERE)
        os.utime(lease(tmp_path, "lapsed"), (0, 0))
        start, won = context.Barrier(takers), context.Queue()
        processes = [
            context.Process(target=_take_when_told, args=(root, number, start, won))
            for number in range(takers)
        ]
        for process in processes:
            process.start()
        winners = dict(won.get(timeout=30) for _ in range(2))
        for process in processes:
            process.join(30)
        assert won.empty() and winners.keys() == {"new", "lapsed"}
        for name, number in winners.items():
            assert lease(tmp_path, name).name.endswith(f"-box{number}")
            lease(tmp_path, name).unlink()
            (tmp_path / "drivers" / name).rmdir()


def _meanwhile(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object]) -> None:
    """`act` happens once, right after the next call of this function of `drivers`."""
    real = getattr(drivers, name)

    def once(*arguments: Any, **named: Any) -> Any:
        found = real(*arguments, **named)
        monkeypatch.setattr(drivers, name, real)
        act()
        return found

    monkeypatch.setattr(drivers, name, once)


def test_who_renews_late_and_who_saw_it_lapsed_do_not_both_hold_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(tmp_path)
    drivers.drive_catalog(root, "c1", HERE)
    lapse(tmp_path)
    _meanwhile(monkeypatch, "age_s", lambda: drivers.drive_catalog(root, "c1", HERE))
    with pytest.raises(Refused, match="laptop"):
        drivers.drive_catalog(root, "c1", COPY)
    assert lease(tmp_path).name.endswith("-laptop"), "renewed between the look and the taking"
    lapse(tmp_path)
    _meanwhile(monkeypatch, "_held", lambda: drivers.drive_catalog(root, "c1", COPY))
    with pytest.raises(Refused, match="desktop"):
        drivers.drive_catalog(root, "c1", HERE)
    assert lease(tmp_path).name.endswith("-desktop__2J"), "taken between the look and the renewal"
    lapse(tmp_path)
    third = {"place": "third", "host": "third"}
    _meanwhile(monkeypatch, "_rename", lambda: drivers.drive_catalog(root, "c1", third))
    with pytest.raises(Refused, match="third"):
        drivers.drive_catalog(root, "c1", HERE)
    assert lease(tmp_path).name.endswith("-third"), "it still looked lapsed after the first step"


def test_where_the_quota_is_used_up_who_drives_goes_on_driving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written for it: what has arrived could not be fetched otherwise, nor room be made."""
    root = str(tmp_path)
    drivers.drive_catalog(root, "c1", HERE)
    long_ago = time.time() - 100
    os.utime(lease(tmp_path), (long_ago, long_ago))

    def full(*_: object, **__: object) -> int:
        raise OSError(122, "Disk quota exceeded")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        drivers.drive_catalog(root, "c1", HERE)
    assert time.time() - lease(tmp_path).stat().st_mtime < 60
    with monkeypatch.context() as patched, pytest.raises(OSError, match="quota"):
        patched.setattr(os, "open", full)
        drivers.drive_catalog(root, "c2", HERE)
    assert {one.name for one in (tmp_path / "drivers").iterdir()} == {"c1"}, "nothing half is left"


def test_a_folder_that_cannot_be_read_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers.drive_catalog(str(tmp_path), "c1", HERE)

    def fails(*_: object) -> list[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "listdir", fails)
    with pytest.raises(OSError, match="Input/output"):
        drivers.drive_catalog(str(tmp_path), "c1", HERE)
