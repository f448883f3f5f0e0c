"""`bocr unplan`: the way back from a plan that was a mistake."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Bocr, Said
from tests.cli.shelf import NEW, Shelf


@pytest.fixture
def ask(bocr: Bocr, shelf: Shelf) -> Bocr:
    def run(*arguments: object) -> Said:
        return bocr("-w", shelf.workspace.root, *arguments)

    shelf.document("loi.pdf", [NEW] * 4)
    assert run("plan", "--pages", 1).code == 0
    return run


def test_batches_are_named_or_chosen_by_a_filter(ask: Bocr) -> None:
    said = ask("unplan", "b0001", "b0002", "--dry-run")
    assert said.code == 0 and "2 batches would be taken apart: 2 pages would be new again." in said.out
    assert ask("status", "--json").json["pages"] == {"planned": 4}
    said = ask("unplan", "b0001")
    assert "1 batch taken apart: 1 page is new again." in said.out and "bocr plan" in said.out
    assert ask("unplan", "--filter", "state:planned", "--json").json == {
        "batches": 3,
        "pages": 3,
        "refused": 0,
        "dry_run": False,
    }
    assert ask("status", "--json").json["pages"] == {"new": 4}
    assert ask("plan", "--json").json["batches"][0]["name"] == "b0005"


def test_what_is_submitted_is_refused_with_the_number_and_the_next_step(ask: Bocr) -> None:
    ask("submit", "b0001", "b0002")
    some = ask("unplan", "b0001", "b0002", "b0003")
    assert (some.code, "1 batch taken apart" in some.out) == (0, True)
    assert "2 batches refused: it is submitted; `bocr cancel` stops its jobs" in some.err
    none = ask("unplan", "b0001", "--json")
    assert (none.code, none.json["refused"]) == (3, 1)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ((), "every batch"),
        (("b9999",), "There is no batch 'b9999'"),
        (("--filter", "state:done"), "No batch is meant"),
        (("--filter", "colour:red"), "colour"),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_is_done(
    ask: Bocr, words: tuple[str, ...], cause: str
) -> None:
    said = ask("unplan", *words)
    assert (said.code, cause in said.err) == (2, True)
    assert ask("status", "--json").json["pages"] == {"planned": 4}
