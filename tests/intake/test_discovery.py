"""Which files are found: candidates in folders, anything that is named, each once and in a stable order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bocr_tui.config.errors import UsageError
from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.intake.discovery import Found, Trouble, Walk, resolve
from bocr_tui.intake.manifests import check_manifest


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path / "workspace")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


def put(folder: Path, *names: str | bytes) -> None:
    for name in names:
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def entries(workspace: Workspace, *paths: Path) -> list[Found | Trouble]:
    return list(Walk(workspace).files([resolve(path) for path in paths]))


def labels(workspace: Workspace, *paths: Path) -> list[bytes]:
    return [entry.label for entry in entries(workspace, *paths) if isinstance(entry, Found)]


def test_folders_are_searched_for_known_kinds_in_order_of_name(workspace: Workspace, archive: Path) -> None:
    put(archive, "b.PDF", "a/z.tiff", "a/y.Jpeg", "c.webp", "c.bmp", "d.png", "e.tif", "f.jpg")
    put(archive, "notes.txt", "truth.gt.txt", "page.xml", "noextension", "archive.pdf.zip")
    assert labels(workspace, archive) == [
        b"a/y.Jpeg", b"a/z.tiff", b"b.PDF", b"c.bmp", b"c.webp", b"d.png", b"e.tif", b"f.jpg",
    ]  # fmt: skip


def test_hidden_files_and_folders_are_passed_over(workspace: Workspace, archive: Path) -> None:
    put(archive, "a.pdf", ".b.pdf", "._a.pdf", ".git/c.pdf")
    assert labels(workspace, archive) == [b"a.pdf"]


def test_names_that_are_no_text_are_found(workspace: Workspace, archive: Path) -> None:
    put(archive, b"caf\xe9.pdf", b"new\nline.pdf")
    assert labels(workspace, archive) == [b"caf\xe9.pdf", b"new\nline.pdf"]


def test_a_file_that_is_named_is_taken_whatever_its_extension(workspace: Workspace, archive: Path) -> None:
    put(archive, "scan", ".hidden.pdf")
    assert labels(workspace, archive / "scan", archive / ".hidden.pdf") == [b"scan", b".hidden.pdf"]


def test_links_that_go_round_in_circles_end(workspace: Workspace, archive: Path) -> None:
    put(archive, "in/a.pdf")
    (archive / "in" / "up").symlink_to(archive)
    (archive / "self").symlink_to(archive / "self")
    (archive / "in" / "again").symlink_to(archive / "in")
    assert labels(workspace, archive) == [b"in/a.pdf"]


def test_a_link_to_a_folder_elsewhere_is_followed(
    workspace: Workspace, archive: Path, tmp_path: Path
) -> None:
    put(tmp_path / "elsewhere", "a.pdf")
    (archive / "link").symlink_to(tmp_path / "elsewhere")
    assert labels(workspace, archive) == [b"link/a.pdf"]


def test_a_folder_that_is_named_twice_is_searched_once(workspace: Workspace, archive: Path) -> None:
    put(archive, "a.pdf", "in/b.pdf")
    assert labels(workspace, archive, archive / "in", archive) == [b"a.pdf", b"in/b.pdf"]


def test_a_link_to_a_file_keeps_the_name_of_the_link(workspace: Workspace, archive: Path) -> None:
    put(archive, ".objects/0a1b2c.pdf")
    (archive / "law.pdf").symlink_to(archive / ".objects" / "0a1b2c.pdf")
    assert labels(workspace, archive) == [b"law.pdf"]
    assert labels(workspace, archive / "law.pdf") == [b"law.pdf"]


def test_what_cannot_be_read_is_told_and_the_rest_goes_on(workspace: Workspace, archive: Path) -> None:
    put(archive, "good.pdf")
    (archive / "broken.pdf").symlink_to(archive / "nowhere.pdf")
    os.mkfifo(archive / "pipe.pdf")
    found = entries(workspace, archive)
    told = {entry.label: entry.sentence for entry in found if isinstance(entry, Trouble)}
    assert [entry.label for entry in found if isinstance(entry, Found)] == [b"good.pdf"]
    assert told == {
        b"broken.pdf": "This is a link to a file that does not exist.",
        b"pipe.pdf": "This is no regular file.",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_that_may_not_be_listed_is_told(workspace: Workspace, archive: Path) -> None:
    put(archive, "closed/a.pdf", "b.pdf")
    (archive / "closed").chmod(0)
    try:
        found = entries(workspace, archive)
    finally:
        (archive / "closed").chmod(0o700)
    assert [entry.label for entry in found] == [b"b.pdf", b"closed"]


def test_the_workspace_inside_an_archive_is_passed_over(archive: Path) -> None:
    workspace = make_workspace(archive / "bocr-workspace")
    put(archive, "a.pdf")
    put(workspace.root, "site/documents/ab/abcd.pdf", "b.pdf")
    assert labels(workspace, archive) == [b"a.pdf"]


def test_an_archive_that_is_itself_the_workspace_is_searched_but_for_what_bocr_keeps_there(
    archive: Path,
) -> None:
    workspace = make_workspace(archive)
    put(archive, "a.pdf", "in/b.pdf", "site/documents/ab/abcd.pdf", "results/token/c.png")
    assert labels(workspace, archive) == [b"a.pdf", b"in/b.pdf"]


def test_a_manifest_names_files_and_folders_from_where_it_lies(workspace: Workspace, archive: Path) -> None:
    put(archive, "a.pdf", b"caf\xe9.pdf", "in/b.pdf", "in/c.pdf", "with space .pdf")
    (archive / "list.txt").write_bytes(
        b"\xef\xbb\xbf# a comment\r\na.pdf\r\n\ncaf\xe9.pdf\nin\n"
        + os.fsencode(archive)
        + b"/with space .pdf"
    )
    found = entries(workspace, archive / "list.txt")
    assert [os.path.relpath(entry.path, os.fsencode(archive)) for entry in found] == [
        b"a.pdf", b"caf\xe9.pdf", b"in/b.pdf", b"in/c.pdf", b"with space .pdf",
    ]  # fmt: skip


def test_lines_of_a_manifest_that_lead_nowhere_are_told(workspace: Workspace, archive: Path) -> None:
    put(archive, "a.pdf")
    (archive / "list.lst").write_bytes(b"gone.pdf\na.pdf\n" + b"x" * 20_000 + b"\na.pdf")
    found = entries(workspace, archive / "list.lst")
    assert [getattr(entry, "sentence", "found") for entry in found] == [
        "This file does not exist.",
        "found",
        "Line 3 is no path.",
        "found",
    ]


@pytest.mark.parametrize("content", ["a.pdf\n".encode("utf-16"), b"\x00\x01binary"])
def test_a_text_file_that_is_no_list_is_refused_before_anything_is_done(
    archive: Path, content: bytes
) -> None:
    (archive / "list.txt").write_bytes(content)
    with pytest.raises(UsageError, match="no list of paths"):
        check_manifest(resolve(archive / "list.txt"))


def test_files_are_found_one_after_another(workspace: Workspace, archive: Path) -> None:
    put(archive, *[f"{number:04}.pdf" for number in range(50)])
    files: Iterator[Found | Trouble] = Walk(workspace).files([resolve(archive)])
    first = next(files)
    put(archive, "9999.pdf")
    assert first.label == b"0000.pdf"
    assert len(list(files)) == 49
