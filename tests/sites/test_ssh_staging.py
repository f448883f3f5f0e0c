"""Folders made on a site: whole, the same again, or mended after a crash of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bocr_tui.sites.helper import staging
from bocr_tui.sites.helper.refusal import Refused
from bocr_tui.sites.helper.staging import stage_folders

FILES = {"manifest.json": b'{"token": "x"}', "deep/er/job.sh": b"#!/bin/sh\n" * 50}


def _read(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_several_folders_are_made_and_the_same_again_changes_nothing(tmp_path: Path) -> None:
    folders = {"runs/one": FILES, "workers/two": {"a": b""}}
    stage_folders(str(tmp_path), folders)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    stage_folders(str(tmp_path), folders)
    assert made == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert _read(tmp_path / "runs" / "one") == FILES
    with pytest.raises(FileExistsError, match=r"runs/one exists with another manifest\.json"):
        stage_folders(str(tmp_path), {"runs/one": {"manifest.json": b"{}"}})


@pytest.mark.parametrize("torn", [b"", b"#!/bin", bytes(500), b"#!/bin/sh\n" + bytes(90)])
def test_a_folder_that_a_crash_left_torn_is_made_anew(tmp_path: Path, torn: bytes) -> None:
    stage_folders(str(tmp_path), {"runs/one": FILES})
    (tmp_path / "runs" / "one" / "deep" / "er" / "job.sh").write_bytes(torn)
    stage_folders(str(tmp_path), {"runs/one": FILES})
    assert _read(tmp_path / "runs" / "one") == FILES
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["one"]


@pytest.mark.parametrize("begun", staging.BEGUN)
def test_a_torn_folder_that_somebody_works_in_is_left_alone(tmp_path: Path, begun: str) -> None:
    stage_folders(str(tmp_path), {"runs/one": FILES})
    (tmp_path / "runs" / "one" / begun).mkdir()
    (tmp_path / "runs" / "one" / "manifest.json").write_bytes(b"")
    with pytest.raises(FileExistsError):
        stage_folders(str(tmp_path), {"runs/one": FILES})


def test_what_an_interrupted_attempt_left_is_no_obstacle(tmp_path: Path) -> None:
    left = tmp_path / "runs" / f".one.{os.getpid()}.part"
    left.mkdir(parents=True)
    (left / "manifest.json").write_bytes(b"half")
    stage_folders(str(tmp_path), {"runs/one": FILES})
    assert _read(tmp_path / "runs" / "one") == FILES
    assert not left.exists()


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: str, data: bytes, synced: bool) -> None:
        if path.endswith("job.sh"):
            raise OSError("disk full")

    monkeypatch.setattr(staging, "_write", fail)
    with pytest.raises(OSError, match="disk full"):
        stage_folders(str(tmp_path), {"runs/one": FILES})
    assert not list((tmp_path / "runs").iterdir())


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    stage_folders(str(tmp_path), {"runs/one": FILES})
    outside = tmp_path / "outside"
    outside.write_bytes(FILES["manifest.json"])
    (tmp_path / "runs" / "one" / "manifest.json").unlink()
    (tmp_path / "runs" / "one" / "manifest.json").symlink_to(outside)
    with pytest.raises(FileExistsError):
        stage_folders(str(tmp_path), {"runs/one": FILES})


@pytest.mark.parametrize("folder", ["../x", "/x", "", "a/../b"])
def test_a_folder_elsewhere_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(Refused):
        stage_folders(str(tmp_path), {folder: {}})
