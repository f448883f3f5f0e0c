"""What can be looked at before anything is sent: `bocr plan` and `submit` with `--dry-run`, `bocr script`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Bocr, Said
from tests.cli.shelf import NEW, Shelf


@pytest.fixture
def ask(bocr: Bocr, shelf: Shelf) -> Bocr:
    def run(*arguments: object) -> Said:
        return bocr("-w", shelf.workspace.root, *arguments)

    return run


def test_a_plan_can_be_of_some_documents(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [NEW, NEW])
    shelf.document("décret.pdf", [NEW] * 3)
    assert ask("plan", "--dry-run", "--json", "--text", "loi").json["pages"] == 2
    assert ask("plan", "--dry-run", "--json", "--document", "décret.pdf").json["pages"] == 3
    refused = ask("plan", "--text", "gazette")
    assert (refused.code, "No document has" in refused.err) == (2, True)
    assert ask("plan", "--json", "--document", "loi.pdf").json["pages"] == 2
    assert ask("status", "--json").json["pages"] == {"new": 3, "planned": 2}


def test_a_submission_is_foretold(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [NEW, NEW])
    ask("plan")
    said = ask("submit", "--dry-run", "--engine", "rapidocr")
    assert (said.code, "1 document cannot be found there" in said.out) == (3, True)
    assert "2 pages of 1 document would be submitted to local in 1 chain: rapidocr." in said.out
    assert ask("submit", "--dry-run", "--json").json["dry_run"] is True
    assert ask("status", "--json").json["pages"] == {"planned": 2}


def test_a_script_is_shown_whole_and_what_is_not_known_yet_is_said_beside_it(ask: Bocr, shelf: Shelf) -> None:
    shelf.document("loi.pdf", [NEW])
    ask("plan")
    said = ask("script")
    assert said.out.startswith("#!/bin/sh\n") and "stands for the job's name" in said.err
    shown = ask("script", "b0001", "--json").json
    assert shown["text"] == said.out and shown["stage"] == 1
    missing = ask("script", "--stage", "9")
    assert (missing.code, "There is no stage 9" in missing.err) == (2, True)
