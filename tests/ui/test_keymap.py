"""The person's own keys: which are taken, which are refused and with what words; and their document."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.ui.keymap import Keymap, read_keymap
from bocr_tui.ui.keys_document import keys_document
from bocr_tui.ui.known_keys import known_keys
from tests.ui.campaign import Campaign
from tests.ui.conftest import opened


def keymap(folder: Path, text: str) -> Keymap:
    path = folder / "keys.toml"
    path.write_text(text, encoding="utf-8")
    return read_keymap([folder / "not there.toml", path], known_keys())


def test_keys_are_taken_by_their_names(tmp_path: Path) -> None:
    said = '[keys]\n"page.resubmit" = "ctrl+e"\nlist.find = "slash, ctrl+g"\n"app.quit" = "Q"\n'
    assert keymap(tmp_path, said) == Keymap(
        {"page.resubmit": "ctrl+e", "list.find": "slash,ctrl+g", "app.quit": "Q"}
    )


def test_the_later_file_wins(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.toml", tmp_path / "theirs.toml"
    mine.write_text('[keys]\n"app.quit" = "Q"\n', encoding="utf-8")
    theirs.write_text('[keys]\n"app.quit" = "f10"\n', encoding="utf-8")
    assert read_keymap([mine, theirs], known_keys()).keys == {"app.quit": "f10"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('[keys]\n\n"page.resubmitt" = "e"\n', "keys.toml:3: there is no key 'page.resubmitt'. Did you mean"),
        ('[keys]\n"page.resubmit" = "ctrl+nose"\n', "keys.toml:2: 'ctrl+nose' is no key"),
        ('[keys]\n"page.resubmit" = 7\n', "keys.toml:2: 7 is no key"),
        ('[keys]\n"page.resubmit" = "ctrl+c"\n', "ctrl+c always leaves the panel"),
        ('[keys]\n"page.resubmit" = "f"\n', "f is 'Only failed' (list.only_failed) already"),
        ('[keys]\n"page.resubmit" = "question_mark"\n', "question_mark is 'Help' (app.help) already"),
        ('[keys]\n"page.resubmit" = "j"\n', "j is "),
        ("[keys\n", "keys.toml: "),
        ("[key]\n", "there is no table 'key'"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place_and_changes_nothing(
    tmp_path: Path, said: str, words: str
) -> None:
    found = keymap(tmp_path, said)
    assert found.keys == {}
    assert len(found.problems) == 1 and words in found.problems[0]


def test_keys_may_be_exchanged(tmp_path: Path) -> None:
    said = '[keys]\n"page.resubmit" = "R"\n"page.reset" = "r"\n'
    assert keymap(tmp_path, said) == Keymap({"page.resubmit": "R", "page.reset": "r"})


async def test_the_workspace_s_keys_hold_in_the_panel_and_their_faults_are_told(campaign: Campaign) -> None:
    path = campaign.workspace.root / "keys.toml"
    path.write_text('[keys]\n"list.only_failed" = "ctrl+o"\n"list.only" = "x"\n', encoding="utf-8")
    async with opened(campaign.workspace) as panel:
        await panel.until(lambda: any("there is no key 'list.only'" in toast for toast in panel.toasts))
        await panel.go("pages")
        await panel.press("ctrl+o")
        await panel.sees("21 pages")
        await panel.press("f")
        await panel.pilot.pause()
        assert "21 pages" in panel.text


def test_every_key_has_a_name_of_its_own_and_a_sentence() -> None:
    known = known_keys()
    seen = [(each.context, each.id) for each in known]
    assert len(seen) == len(set(seen))
    assert [each.id for each in known if not each.tooltip.endswith(".")] == []


def test_every_key_is_in_the_document() -> None:
    text = keys_document()
    assert [each.id for each in known_keys() if f"`{each.id}`" not in text] == []
