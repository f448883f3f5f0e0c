"""The first run: what can be begun where there is no workspace, and a tour whose keys are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from bocr_tui.cli import panel as cli_panel
from bocr_tui.cli.main import main
from bocr_tui.config.workspace import CATALOG_NAME, CONFIG_NAME, make_workspace
from bocr_tui.ui import welcome
from bocr_tui.ui.screens.tour import Tour
from bocr_tui.ui.tour_cards import CARDS
from bocr_tui.ui.welcome import Begin, Choice, Welcome
from tests.ui.campaign import Campaign
from tests.ui.conftest import opened

Keys = tuple[str, ...]


def text_of(app: Welcome) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


@pytest.mark.parametrize(
    ("keys", "begun", "folder"),
    [
        (("d",), Begin.DEMO, "demo-workspace"),
        (("enter",), Begin.DEMO, "demo-workspace"),
        (("j", "enter", "enter"), Begin.MAKE, ""),
        (("i", *"new", "enter"), Begin.MAKE, "new"),
    ],
)
async def test_a_key_begins_something_and_nothing_is_made_before(
    tmp_path: Path, keys: Keys, begun: Begin, folder: str
) -> None:
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
    assert app.return_value == Choice(begun, tmp_path / folder)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "keys", [("q",), ("ctrl+q",), ("i", "escape", "q"), ("t", "escape", "o", "escape", "q")]
)
async def test_leaving_begins_nothing(tmp_path: Path, keys: Keys) -> None:
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
    assert app.return_value is None
    assert list(tmp_path.iterdir()) == []


async def test_escape_goes_back_and_once_too_often_says_what_leaves(tmp_path: Path) -> None:
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        assert "q leaves" in text_of(app)
        for key in ("o", "escape", "escape"):
            await pilot.press(key)
            await pilot.pause()
        assert app.is_running
        assert any("q leaves" in each.message for each in app._notifications)
        await pilot.press("d")
    assert app.return_value == Choice(Begin.DEMO, tmp_path / "demo-workspace")


async def test_a_folder_that_is_no_workspace_is_told_and_one_that_holds_one_is_opened(tmp_path: Path) -> None:
    other = make_workspace(tmp_path / "archive" / "bocr-workspace").root
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("o", *"nowhere", "enter")
        await pilot.pause()
        assert "is no workspace" in text_of(app)
        app.screen.query_one(Input).value = "archive"
        await pilot.press("enter")
    assert app.return_value == Choice(Begin.OPEN, other)


@pytest.mark.parametrize(("key", "name"), [("enter", "demo-workspace"), ("2", "archive")])
async def test_the_workspaces_of_this_folder_are_offered_first(tmp_path: Path, key: str, name: str) -> None:
    for folder in ("archive", "demo-workspace"):
        make_workspace(tmp_path / folder)
    (tmp_path / "scans").mkdir()
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        said = text_of(app)
        assert said.index("Open demo-workspace") < said.index("Open archive") < said.index("Try it")
        await pilot.press(key)
    assert app.return_value == Choice(Begin.OPEN, (tmp_path / name).resolve())


async def test_no_workspace_is_made_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(b"")
    app = Welcome(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("i", *"scan", "full_stop", *"pdf", "enter")
        await pilot.pause()
        assert "is a file" in text_of(app)
        await pilot.press("escape", "q")


async def test_a_folder_whose_name_is_hostile_is_shown_as_text(tmp_path: Path) -> None:
    here = tmp_path / "[red]\x1b[2Jscans"
    here.mkdir()
    app = Welcome(here)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "[red]" in text_of(app).replace("\n", "").replace(" ", "")
        assert "\x1b" not in text_of(app)


@pytest.mark.parametrize(
    ("begun", "made"), [(Begin.MAKE, True), (Begin.OPEN, False), (None, False)], ids=["make", "open", "leave"]
)
def test_the_command_does_what_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Begin | None, made: bool
) -> None:
    folder = tmp_path / "w"
    opened_in: list[Path] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOCR_WORKSPACE", raising=False)
    monkeypatch.setattr(cli_panel, "in_terminal", lambda: True)
    monkeypatch.setattr(welcome, "choose", lambda here: Choice(begun, folder) if begun else None)
    show: Callable[..., int] = lambda workspace, **_: opened_in.append(workspace.root) or 0  # noqa: E731
    monkeypatch.setattr(cli_panel, "show_panel", show)
    assert main([]) == 0
    assert opened_in == ([folder] if begun else [])
    assert (folder / CONFIG_NAME).is_file() is made
    assert (folder / CATALOG_NAME).is_file() is made


def test_without_a_terminal_the_command_refuses_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOCR_WORKSPACE", raising=False)
    assert main([]) == 2
    assert "There is no workspace here" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_the_workspace_that_lies_in_the_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_workspace(tmp_path / "demo-workspace")
    make_workspace(tmp_path / "a b")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BOCR_WORKSPACE", raising=False)
    assert main(["status"]) == 2
    assert "Say -w demo-workspace (or 'a b')." in capsys.readouterr().err


async def test_every_key_that_the_tour_names_is_there(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        for card in CARDS:
            for key in card.keys:
                await panel.go(key.place)
                bound = set(panel.app.screen.active_bindings)
                assert [each for each in key.pressed if each not in bound] == [], (card.title, key.shown)


async def test_the_tour_opens_with_a_key_from_help_and_by_command_and_goes_to_its_end(
    shared_campaign: Campaign,
) -> None:
    async with opened(shared_campaign.workspace) as panel:
        for keys in (("f1",), ("question_mark", "f1"), ("colon", *"tour", "enter")):
            await panel.press(*keys)
            await panel.until(lambda: isinstance(panel.app.screen, Tour))
            for card in CARDS:
                assert card.title in panel.text
                await panel.press("enter")
            await panel.until(lambda: not isinstance(panel.app.screen, Tour))


async def test_every_card_is_whole_on_a_small_terminal(shared_campaign: Campaign) -> None:
    async with opened(shared_campaign.workspace) as panel:
        await panel.press("f1")
        for card in CARDS:
            assert all(key.does.split()[0] in panel.text for key in card.keys)
            assert "esc leaves" in panel.text
            await panel.press("right")
