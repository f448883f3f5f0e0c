"""`bocr clean`: what may go goes, everything else stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Insert, Update, insert, update

from bocr_tui.catalog import core
from tests.cli.conftest import Bocr, Said
from tests.cli.shelf import Leaf, Shelf

NO_TEXT = {"generation": "", "head": 0, "offset": 0, "seq": 0, "problem": ""}
"""The columns of a journal's cursor that do not matter here."""


@pytest.fixture
def ask(bocr: Bocr, shelf: Shelf) -> Bocr:
    """A command in the shelf's workspace."""

    def run(*arguments: object) -> Said:
        return bocr("-w", shelf.workspace.root, *arguments)

    return run


@pytest.fixture
def runs(shelf: Shelf) -> Path:
    """The site's run folders: one for each of the shelf's jobs, and one that nobody knows."""
    shelf.document("loi.pdf", [Leaf(text="authentique")])
    folder = shelf.workspace.root / "site" / "runs"
    for token in (*shelf.tokens.values(), "bstranger00000"):
        (folder / token / "claim").mkdir(parents=True)
        (folder / token / "manifest.json").write_text(f'{{"token": "{token}"}}', encoding="utf-8")
        (folder / token / "results-0.jsonl").write_bytes(b"x" * 1000)
    return folder


def left(runs: Path) -> set[str]:
    return {path.name for path in runs.iterdir()}


def test_nothing_is_removed_without_a_yes(ask: Bocr, shelf: Shelf, runs: Path) -> None:
    said = ask("clean")
    assert said.code == 0
    assert "2 run folders" in said.out and "--yes" in said.out
    assert len(left(runs)) == 3


def test_verified_runs_go_and_strangers_stay(ask: Bocr, shelf: Shelf, runs: Path) -> None:
    said = ask("clean", "--yes", "--json")
    assert sorted(said.json["runs"]) == sorted(shelf.tokens.values())
    assert said.json["freed_bytes"] > 2000
    assert left(runs) == {"bstranger00000"}
    assert ask("page", "loi.pdf", 1, "--text").out == "authentique\n"


def test_a_result_that_does_not_verify_keeps_its_run(ask: Bocr, shelf: Shelf, runs: Path) -> None:
    path = shelf.result_path()
    path.write_bytes(path.read_bytes().replace(b"authentique", b"falsifie!!!"))
    said = ask("clean", "--yes", "--json")
    assert "does not verify" in said.json["kept"][shelf.tokens[0]]
    assert shelf.tokens[0] in left(runs)


CHANGES = {
    "live chain": update(core.chain).values(state="live"),
    "lost job": update(core.job).values(state="lost"),
    "running job": update(core.job).values(state="running"),
    "journal not read to its end": insert(core.journal_cursor).values(
        journal="bshelf1stage0/journal-0.jsonl", job_id=1, state="waiting", changed_at=0.0, **NO_TEXT
    ),
    "results not fetched": insert(core.result_cursor).values(
        file="bshelf1stage0/results-0.jsonl", job_id=1, bytes=5, complete=False
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_not_over_stays(ask: Bocr, shelf: Shelf, runs: Path, change: Update | Insert) -> None:
    with shelf.catalog.writing() as connection:
        connection.execute(change)
    assert shelf.tokens[0] not in ask("clean", "--yes", "--json").json["runs"]
    assert shelf.tokens[0] in left(runs)


def test_a_folder_whose_manifest_holds_another_token_stays(ask: Bocr, shelf: Shelf, runs: Path) -> None:
    (runs / shelf.tokens[0] / "manifest.json").write_text('{"token": "bother"}', encoding="utf-8")
    said = ask("clean", "--yes", "--json")
    assert said.json["runs"] == [shelf.tokens[1]]
    assert "no manifest of this token" in said.json["kept"][shelf.tokens[0]]
    assert shelf.tokens[0] in left(runs)


@pytest.mark.parametrize("kind", ["journal", "results"])
def test_what_was_written_and_never_seen_here_keeps_its_run(
    ask: Bocr, shelf: Shelf, runs: Path, kind: str
) -> None:
    """A job whose folder could not be read when it ended has no cursors that say so."""
    (runs / shelf.tokens[0] / f"{kind}-{'a' * 16}.jsonl").write_bytes(b"a page that was read\n")
    said = ask("clean", "--yes", "--json")
    assert said.json["kept"] == {shelf.tokens[0]: f"{kind}-{'a' * 16}.jsonl in it was never fetched"}
    assert shelf.tokens[0] in left(runs)
