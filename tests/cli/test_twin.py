"""An action's command line: what a person would type to do the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.actions.action import Action, Options, Selection
from bocr_tui.actions.registry import ACTIONS, action_named
from bocr_tui.actions.twin import ranges


def test_ids_are_told_as_ranges() -> None:
    assert ranges([9, 3, 7, 8, 12, 3]) == "3,7-9,12"
    assert ranges([]) == ""


@pytest.mark.parametrize(
    ("action_id", "selection", "options", "names", "line"),
    [
        ("page.resubmit", Selection(pages=(12, 13, 40)), Options(), (), "bocr resubmit --id 12-13,40"),
        (
            "page.resubmit",
            Selection(pages=(12,)),
            Options(engine="tesseract"),
            (),
            "bocr resubmit --id 12 --engine tesseract",
        ),
        ("batch.submit", Selection(batches=(1, 2)), Options(), ("b1", "b 2"), "bocr submit b1 'b 2'"),
        ("job.cancel", Selection(jobs=(7,)), Options(), ("bxyz",), "bocr cancel bxyz"),
        ("job.cancel", Selection(jobs=(7, 8)), Options(), (), "bocr cancel '<2 jobs>'"),
        ("site.pause", Selection(sites=("box",)), Options(), (), "bocr pause box"),
        ("workspace.import", Selection(), Options(paths=(Path("/a b"),)), (), "bocr import '/a b'"),
        ("workspace.clean", Selection(), Options(site="box"), (), "bocr clean box --yes"),
    ],
)
def test_a_command_line_names_rows_and_options(
    action_id: str, selection: Selection, options: Options, names: tuple[str, ...], line: str
) -> None:
    assert action_named(action_id).twin(selection, options, names) == line


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_every_action_has_a_command_that_there_is(action: Action) -> None:
    from typer.main import get_command

    from bocr_tui.cli.app import app

    options = Options(
        engine="e", site="s", stages=("a", "b"), queue="q", walltime="1:00", stage=2, language="fr",
        batch_pages=1, batch_documents=2, batches=3, pages_per_document=4, formats=("text",),
        scheduler_id="1.pbs",
    )  # fmt: skip
    words = action.twin(Selection(), options).split()
    assert words[0] == "bocr"
    command = get_command(app).commands[words[1]]  # type: ignore[attr-defined]
    known = {flag for parameter in command.params for flag in parameter.opts}
    assert [word for word in words[2:] if word.startswith("--") and word not in known] == []
