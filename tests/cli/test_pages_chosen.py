"""`bocr resubmit`, `reset`, `ignore`, `submit`, `cancel`: what is chosen, what is refused, what is said."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Bocr, Said
from tests.cli.shelf import FAILED, GAVE_UP, IGNORED, NEW, Leaf, Shelf


@pytest.fixture
def ask(bocr: Bocr, shelf: Shelf) -> Bocr:
    """A command in the shelf's workspace."""

    def run(*arguments: object) -> Said:
        return bocr("-w", shelf.workspace.root, *arguments)

    return run


def states(ask: Bocr) -> list[str]:
    return [row["state"] for row in ask("pages", "--json").json]


def test_every_page_at_once_is_never_meant(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [FAILED])
    for arguments in (("resubmit", "--page", "1"), ("reset",), ("ignore",)):
        said = ask(*arguments)
        assert said.code == 2 and "every page" in said.err
    assert states(ask) == ["failed"]


def test_a_dry_run_lists_and_changes_nothing(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    said = ask("resubmit", "--failed", "--dry-run")
    assert said.code == 0 and "2 pages would be taken." in said.out
    assert ask("resubmit", "--failed", "--dry-run", "--json").json == {"pages": 2}
    assert states(ask) == ["ok", "failed", "gave_up"]


def test_a_dry_run_refuses_what_the_order_would_refuse(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, IGNORED])
    said = ask("resubmit", "--document", "loi.pdf", "--dry-run")
    assert "1 page would be taken." in said.out
    assert "1 page refused: it is read already" in said.err and "1 page refused: it is ignored" in said.err
    with_engine = ask("resubmit", "--document", "loi.pdf", "--engine", "noop", "--dry-run", "--json")
    assert with_engine.json == {"pages": 2}
    assert ask("resubmit", "--document", "loi.pdf", "--engine", "chandre", "--dry-run").code == 2
    ask("resubmit", "--failed")
    held = ask("resubmit", "--failed", "--dry-run")
    assert "0 pages would be taken." in held.out and "it is with a live job" in held.err


def test_pages_are_chosen_by_the_words_that_filter_the_panel_s_list(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    shelf.document("décret.pdf", [FAILED])
    dry = ("--dry-run", "--json")
    assert ask("resubmit", "--filter", "state:failed,gave_up -doc:décret", *dry).json == {"pages": 2}
    assert ask("resubmit", "--failed", "--filter", "page>2", *dry).json == {"pages": 1}
    assert ask("reset", "--filter", "doc:loi state:gave_up", *dry).json == {"pages": 1}
    assert ask("ignore", "--filter", "doc:décret", "--json").json["pages"] == 1
    assert states(ask) == ["ok", "failed", "gave_up", "ignored"]
    wrong = ask("resubmit", "--filter", "state:faild")
    assert (wrong.code, "Did you mean failed?" in wrong.err) == (2, True)
    both = ask("resubmit", "--id", "1", "--filter", "page>2")
    assert both.code == 2 and "--id says which pages" in both.err
    assert ask("resubmit", "--filter", "page>99").err.startswith("bocr: No page is meant by that.")


def test_without_a_filter_a_resubmission_takes_all_that_failed(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("lu.pdf", [Leaf()])
    for options in ((), ("--failed",)):
        said = ask("resubmit", *options)
        assert (said.code, said.out) == (0, "No page has failed.\n")
    assert ask("resubmit", "--json").json["pages"] == 0
    assert ask("reset", "--failed", "--dry-run").code == 2, "who names what there is not is told"
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    assert ask("resubmit", "--json").json["pages"] == 2


def test_resubmitted_pages_are_held_once(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    said = ask("resubmit", "--failed", "--json")
    assert said.code == 0
    assert said.json["pages"] == 2 and len(said.json["chains"]) == 1
    again = ask("resubmit", "--failed")
    assert again.code == 3
    assert "2 pages refused: it is with a live job." in again.err


def test_pages_are_chosen_by_class_document_and_number(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [FAILED, GAVE_UP, FAILED])
    shelf.document("décret.pdf", [FAILED])

    def count(*options: object) -> int:
        return int(ask("resubmit", *options, "--dry-run", "--json").json["pages"])

    assert count("--class", "coverage") == 3
    assert count("--document", "loi.pdf") == 3
    assert count("--document", "loi.pdf", "--page", "2-3") == 2
    assert count("--failed", "--document", "décret.pdf") == 1
    nothing = ask("resubmit", "--document", "loi.pdf", "--page", "9", "--dry-run")
    assert nothing.code == 2 and "No page" in nothing.err


def test_an_engine_that_does_not_exist_is_refused(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [FAILED])
    said = ask("resubmit", "--failed", "--engine", "chandre")
    assert said.code == 2 and "Did you mean chandra?" in said.err
    assert states(ask) == ["failed"]


def test_reset_and_ignore_have_their_commands(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [GAVE_UP, IGNORED, FAILED])
    assert "1 page reset." in ask("reset", "--failed").out
    assert "1 page reset." in ask("reset", "--state", "ignored").out
    assert ask("ignore", "--document", "loi.pdf", "--page", "1", "--json").json == {"pages": 1}
    assert states(ask) == ["ignored", "new", "failed"]


def test_an_engine_that_cannot_run_here_is_refused_by_the_order_as_by_its_dry_run(
    ask: Bocr, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    shelf.document("loi.pdf", [FAILED, NEW])
    assert ask("plan").code == 0
    before = ask("jobs", "--json").json
    for order in (("resubmit", "--failed"), ("submit",)):
        for said in (ask(*order, "--engine", "tesseract"), ask(*order, "--engine", "tesseract", "--dry-run")):
            assert (said.code, "tesseract cannot run on local" in said.err) == (2, True), said
    assert ask("jobs", "--json").json == before


def test_nothing_planned_and_nothing_running_are_said(ask: Bocr, shelf: Shelf) -> None:
    assert "bocr plan" in ask("submit").out
    assert "no batch" in ask("submit", "b9999").err
    assert "No job is under way" in ask("cancel", "--all").err
    assert ask("cancel").code == 2
    assert "There is no job" in ask("cancel", "bnothing").err


def test_an_export_of_a_catalog_with_gaps_ends_with_3(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(text="Dahir")])
    out = shelf.workspace.root / "out"
    assert ask("export", out, "--json").json["ok"] == 1
    shelf.document("décret.pdf", [FAILED, IGNORED])
    said = ask("export", out)
    assert said.code == 3 and "1 page with text, 1 page without text, 1 page ignored." in said.out
    assert ask("export", out, "--document", "loi.pdf").code == 0
    assert ask("export", out, "--format", "docx").code == 2


def test_a_watch_with_nothing_under_way_ends_at_once(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf()])
    said = ask("watch", "--json")
    assert said.code == 0
    assert (said.json["ok"], said.json["pages"]) == (1, 1)
    shelf.document("décret.pdf", [GAVE_UP])
    assert ask("watch", "--json").code == 3


def test_run_folders_that_are_gone_need_no_cleaning(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf()])
    said = ask("clean", "--json")
    assert said.code == 0
    assert said.json["runs"] == []


def test_pages_are_named_by_their_ids_as_the_panel_names_them(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [Leaf(), FAILED, GAVE_UP])
    ids = [row["id"] for row in ask("pages", "--json").json]
    assert ask("ignore", "--id", f"{ids[1]}-{ids[2]}", "--json").json == {"pages": 2}
    assert states(ask) == ["ok", "ignored", "ignored"]
    beside = ask("ignore", "--id", "1", "--failed")
    assert beside.code == 2 and "by itself" in beside.err
    unknown = ask("reset", "--id", "1,999")
    assert unknown.code == 2 and "no page with the id 999" in unknown.err


def test_ignoring_says_of_pages_that_are_read_that_their_text_leaves_the_export(
    ask: Bocr, shelf: Shelf
) -> None:
    shelf.document("loi.pdf", [Leaf(), Leaf(), FAILED])
    said = ask("ignore", "--document", "loi.pdf").out
    assert said.startswith("3 pages ignored. 2 pages of these are read: their text leaves the export until")
    shelf.document("décret.pdf", [FAILED])
    assert ask("ignore", "--document", "décret.pdf").out == "1 page ignored.\n"
