"""`bocr accept` and `bocr edit`: a person's word without the panel."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from bocr_tui.actions.editing import edit_text, editor
from bocr_tui.config.errors import UsageError
from tests.cli.conftest import Bocr, Said
from tests.cli.shelf import FAILED, NEW, Leaf, Shelf


def test_a_page_is_accepted_edited_and_read_back(bocr: Bocr, shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [Leaf("ok", "Lu mal."), FAILED])
    root = shelf.workspace.root
    said = bocr("-w", root, "accept", "--document", "loi.pdf", "--page", "1", "--attempt", "1", "--json")
    assert said.code == 0 and said.json["pages"] == 1
    shown = bocr("-w", root, "page", "loi.pdf", "1", "--json").json
    assert shown["accepted"] and shown["by_person"] and shown["engine"] == "rapidocr"
    file = tmp_path / "page.txt"
    file.write_text("Lu bien.\n", encoding="utf-8")
    assert bocr("-w", root, "edit", "--document", "loi.pdf", "--page", "2", "--file", file).code == 0
    assert bocr("-w", root, "page", "loi.pdf", "2", "--text").out == "Lu bien.\n"
    listed = bocr("-w", root, "page", "loi.pdf", "2").out
    assert "2 *" in listed and "person" in listed and "coverage" in listed


def test_what_cannot_be_is_refused_with_the_reason(bocr: Bocr, shelf: Shelf, tmp_path: Path) -> None:
    shelf.document("loi.pdf", [FAILED, NEW])
    root = shelf.workspace.root
    refused = bocr("-w", root, "accept", "--id", "1")
    assert refused.code == 2 and "No attempt left a text" in refused.err
    assert "every page" in bocr("-w", root, "edit").err
    assert "one is edited at a time" in bocr("-w", root, "edit", "--document", "loi.pdf").err
    assert "needs a terminal" in bocr("-w", root, "edit", "--id", "1").err
    latin = tmp_path / "latin.txt"
    latin.write_bytes(b"caf\xe9")
    assert "no UTF-8" in bocr("-w", root, "edit", "--id", "1", "--file", latin).err


def test_pages_to_accept_are_chosen_as_those_to_read_again(bocr: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf("ok", "Lu."), Leaf("failed", "Lu mal.", failure="coverage")])
    shelf.document("décret.pdf", [Leaf("failed", "Lu à moitié.", failure="coverage")])

    def accept(*said: str) -> Said:
        return bocr("-w", shelf.workspace.root, "accept", *said)

    def accepted() -> list[bool]:
        shown = (
            bocr("-w", shelf.workspace.root, "page", *place, "--json").json
            for place in (("loi.pdf", "2"), ("décret.pdf", "1"))
        )
        return [bool(page["by_person"]) for page in shown]

    chosen = ("--filter", "class:coverage doc:loi")
    assert accept(*chosen, "--dry-run", "--json").json == {"pages": 1}
    assert "loi.pdf" in accept(*chosen, "--dry-run").out and accepted() == [False, False]
    assert accept(*chosen, "--json").json["pages"] == 1
    assert accepted() == [True, False]
    assert accept("--failed", "--filter", "-doc:loi", "--json").json["pages"] == 1
    assert accepted() == [True, True]
    wrong = accept("--filter", "state:faild")
    assert (wrong.code, "Did you mean failed?" in wrong.err) == (2, True)
    assert accept("--filter", "page>99").err.startswith("bocr: No page is meant by that.")


@pytest.fixture
def editor_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    def make(code: str) -> None:
        path = tmp_path / "an editor"
        path.write_text(
            f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\np = Path(sys.argv[-1])\n{code}\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", f"'{path}' --wait")

    return make


def test_the_editor_s_text_is_taken_and_no_change_is_none(editor_that) -> None:  # type: ignore[no-untyped-def]
    editor_that("p.write_text(p.read_text().replace('mal', 'bien'))")
    assert edit_text("Lu mal.") == "Lu bien.\n"
    editor_that("")
    assert edit_text("Lu mal.") is None
    editor_that("p.write_text('half'); sys.exit(1)")
    with pytest.raises(UsageError, match="status 1"):
        edit_text("Lu mal.")


def test_an_editor_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "/nowhere/ed")
    with pytest.raises(UsageError, match="is not here"):
        editor()
    monkeypatch.setenv("VISUAL", "")
    monkeypatch.setenv("EDITOR", "")
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UsageError, match="no editor"):
        editor()
