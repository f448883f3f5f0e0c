"""How the command line answers: exit codes, errors in words or JSON, quick starts, closed pipes."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from bocr_tui.cli import output
from bocr_tui.cli.main import main
from tests.cli.conftest import ROOT, Bocr, command, environment
from tests.cli.shelf import FAILED, NEW, Leaf, Shelf


def test_help_names_every_command_and_the_exit_codes(bocr: Bocr) -> None:
    said = bocr("--help")
    assert said.code == 0
    wanted = "init import plan submit run watch status documents pages page resubmit cancel export clean"
    for name in [*wanted.split(), "doctor", "config", "demo", "Exit codes"]:
        assert name in said.out


def test_the_version_is_said(bocr: Bocr) -> None:
    from bocr_tui import __version__

    assert bocr("--version").out == f"bocr {__version__}\n"


def test_without_a_workspace_the_next_step_is_said(
    bocr: Bocr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = bocr("status")
    assert (said.code, said.out) == (2, "")
    assert "bocr run FOLDER" in said.err


def test_an_error_is_an_object_where_json_is_asked_for(
    bocr: Bocr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["status", "--json"], ["--json", "status"], ["-w", "nowhere", "pages", "--json"]):
        said = bocr(*arguments)
        assert said.code == 2
        assert said.json["error"]["exit_code"] == 2
        assert said.json["error"]["cause"]


def test_wrong_usage_is_2_with_the_help_to_read(bocr: Bocr) -> None:
    wrong = ((["frob"], "frob"), (["pages", "--frob"], "--frob"), (["page", "a", "x"], "number"))
    for arguments, word in wrong:
        said = bocr(*arguments)
        assert said.code == 2
        assert word in said.err
        assert "--help" in said.err


def test_wrong_usage_is_told_in_plain_words(bocr: Bocr, shelf: Shelf) -> None:
    shelf.document("clos.pdf", state="protected", reason="This file is protected by a password.")
    ask = partial(bocr, "-w", shelf.workspace.root)
    assert "'x' is no page number." in ask("page", "clos.pdf", "x").err
    assert "'0' is no page number." in ask("page", "clos.pdf", 0).err
    assert "protected by a password. `bocr" in ask("page", "clos.pdf", 1).err
    assert "'pages'? See" in ask("pag").err
    assert "it must be a whole number. See" in ask("plan", "--pages", "ten").err
    assert "it must be at least 1. See" in ask("plan", "--pages", 0).err


def test_a_title_wider_than_its_table_stays_on_one_line(bocr: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [FAILED])
    assert "Failed and given up" in bocr("-w", shelf.workspace.root, "status").out


def test_the_workspace_may_be_named_before_or_after_the_command(bocr: Bocr, shelf: Shelf) -> None:
    root = shelf.workspace.root
    before, after = bocr("-w", root, "status", "--json"), bocr("--json", "status", "-w", root)
    assert before.code == after.code == 0
    assert before.json == after.json


def test_a_damaged_catalog_is_refused_and_not_touched(bocr: Bocr, tmp_path: Path) -> None:
    bocr("init", tmp_path / "w")
    catalog = tmp_path / "w" / "catalog.db"
    for path in (tmp_path / "w").glob("catalog.db*"):
        path.unlink()
    catalog.write_bytes(b"SQLite format 3\0" + b"\xff" * 8192)
    said = bocr("-w", tmp_path / "w", "export", tmp_path / "out", "--json")
    assert said.code == 1
    assert "damaged" in said.json["error"]["cause"]
    assert catalog.read_bytes().endswith(b"\xff" * 8192)


def test_a_configuration_that_is_wrong_is_named(bocr: Bocr, tmp_path: Path) -> None:
    bocr("init", tmp_path / "w")
    (tmp_path / "w" / "bocr.toml").write_text("languges = ['fr']\n", encoding="utf-8")
    said = bocr("-w", tmp_path / "w", "config", "--check")
    assert said.code == 2
    assert "languages" in said.err


def test_help_costs_little_time() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command("--help"), env=environment(), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 0.6, "bocr --help should take a quarter of a second of CPU"


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("bocr_tui.cli.app", ("sqlalchemy", "sqlmodel", "pydantic", "textual", "numpy", "PIL", "rich.table")),
        ("bocr_tui.actions.registry", ("sqlalchemy", "sqlmodel", "pydantic", "textual", "rich", "typer")),
    ],
)
def test_what_starts_first_loads_nothing_heavy(module: str, forbidden: tuple[str, ...]) -> None:
    code = f"import {module}, sys; print([m for m in {forbidden!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_lists_do_without_the_libraries_that_writing_needs(shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf()])
    code = (
        "import sys; from bocr_tui.cli.main import main;"
        "codes = [main(['-w', sys.argv[1], name, '--json']) for name in ('pages', 'documents', 'status')];"
        "sys.exit(max(codes) or ('sqlalchemy' in sys.modules and 9) or 0)"
    )
    arguments = [sys.executable, "-c", code, str(shelf.workspace.root)]
    done = subprocess.run(arguments, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_has_enough_is_no_error(shelf: Shelf) -> None:
    shelf.document("code.pdf", [NEW] * 3000)
    process = subprocess.Popen(
        command("-w", shelf.workspace.root, "pages", "--json"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


def test_without_a_terminal_the_panel_is_a_status(bocr_process: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf()])
    said = bocr_process("-w", shelf.workspace.root)
    assert said.code == 0
    assert "1  pages" in said.out
    assert "no terminal" in said.err


def test_what_is_hostile_does_not_reach_the_terminal() -> None:
    assert output.safe("a\x1b[2Jb\nc\u202ed\udce9") == "a\\x1b[2Jb c\\x202ed\\xdce9"


def test_json_holds_nothing_that_a_terminal_obeys() -> None:
    hostile = "\x1b[2J\x9b31m\x7f\u202egnp.exe\u2028\u200f"
    text = output.as_json({"name": hostile})
    assert text.isascii() and text.isprintable()
    assert json.loads(text) == {"name": hostile}


def test_json_can_be_written_whatever_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    record = {"name": "قرار\udce9\U0001f600\x00"}
    output.write_json(record)
    text = capsys.readouterr().out
    assert json.loads(text) == record
    assert "قرار" in text


def test_an_unforeseen_error_is_told_and_has_a_code(
    bocr: Bocr, shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bocr_tui.catalog import lists

    def broken(path: Path) -> None:
        raise ZeroDivisionError("nothing to divide")

    monkeypatch.setattr(lists, "open_reader", broken)
    said = bocr("-w", shelf.workspace.root, "status", "--json")
    assert said.code == 1
    assert "nothing to divide" in said.json["error"]["cause"]
    assert main(["--version"]) == 0
