"""The Settings screen: what holds and who says so, changed after it was checked; a wrong file is told."""

from __future__ import annotations

import os
import stat
from contextlib import nullcontext
from pathlib import Path

import pytest

from bocr_tui.config.workspace import Workspace, make_workspace
from bocr_tui.ui.screens.settings import SettingsScreen
from bocr_tui.ui.widgets.key_line import KeyLine
from tests.ui.conftest import Panel, opened

FILE = """\
# mine
[limits]
attempts = 3
[sites.box]
transport = "ssh"
host = "box.example"
setup = ["export API_TOKEN=hunter2"]
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = make_workspace(tmp_path / "w")
    made.config_path.write_text(FILE, encoding="utf-8")
    return made


@pytest.fixture(autouse=True)
def looks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_tui.ui.screens.settings.LOOK_S", 0.1)


async def on_settings(panel: Panel) -> SettingsScreen:
    await panel.press("8")
    screen = panel.app.screen
    assert isinstance(screen, SettingsScreen)
    await panel.until(lambda: screen.table.row_count > 20 and screen.table.current is not None)
    return screen


async def to(panel: Panel, screen: SettingsScreen, key: str) -> None:
    await panel.press("g")
    for _ in range(screen.table.row_count):
        row = screen.table.current
        if row is not None and row.setting.key == key:
            break
        await panel.press("j")
    assert screen.table.current.setting.key == key


async def test_each_setting_says_its_value_and_who_says_so(workspace: Workspace) -> None:
    async with opened(workspace, (120, 40)) as panel:
        screen = await on_settings(panel)
        await panel.press("f")
        await panel.until(lambda: screen.table.row_count == 4)
        await panel.sees("bocr.toml:3")
        await panel.press("G")
        await panel.sees("Attempts on one page in one job")
        assert "hunter2" not in panel.text and "API_TOKEN=(not" in panel.text
        await panel.press("escape", "slash", *"walltime", "enter")
        await panel.sees("sites.box.pbs.walltime")


async def test_the_theme_is_chosen_from_a_list_written_and_worn_at_once(workspace: Workspace) -> None:
    async with opened(workspace, (120, 40)) as panel:
        screen = await on_settings(panel)
        await to(panel, screen, "panel.theme")
        await panel.press("enter")
        await panel.sees("(now)")
        names = sorted(panel.app.available_themes, key=lambda name: (name[:4] != "bocr", name))
        await panel.press(*["j"] * names.index("textual-light"), "enter")
        await panel.until(lambda: panel.app.theme == "textual-light")
        await panel.sees("bocr.toml:")
        said = workspace.config_path.read_text(encoding="utf-8")
        assert 'theme = "textual-light"' in said and said.startswith("# mine")
        await panel.press("backspace")
        await panel.until(lambda: "theme" not in workspace.config_path.read_text(encoding="utf-8"))


async def test_a_theme_chosen_in_the_panel_is_shown_as_in_force_and_can_be_given_back(
    workspace: Workspace,
) -> None:
    workspace.config_path.write_text(f'{FILE}[panel]\ntheme = "bocr-contrast"\n', encoding="utf-8")
    async with opened(workspace, (120, 40)) as panel:
        screen = await on_settings(panel)
        await to(panel, screen, "panel.theme")
        panel.app.wear("bocr-light")

        def line() -> str:
            return next(each for each in panel.lines if each.startswith(" panel.theme"))

        await panel.until(
            lambda: '"bocr-light"' in line() and " panel" in line().partition('"bocr-light"')[2]
        )
        await panel.sees('"bocr-contrast" (bocr.toml:9)')
        await panel.press("backspace")
        await panel.until(lambda: panel.app.theme == "bocr-contrast")
        await panel.until(lambda: "bocr.toml:9" in line())
        assert panel.app.memory.theme("bocr-contrast") == "bocr-contrast"


async def test_a_panel_opened_read_only_says_so_among_its_settings(workspace: Workspace) -> None:
    async with opened(workspace, (120, 40), read_only=True) as panel:
        await on_settings(panel)
        await panel.until(lambda: any("read_only" in each and "--readonly" in each for each in panel.lines))


async def test_what_holds_later_says_so_and_what_will_not_do_is_told_where_it_is_typed(
    workspace: Workspace,
) -> None:
    async with opened(workspace, (120, 40)) as panel:
        screen = await on_settings(panel)
        await to(panel, screen, "panel.read_only")
        await panel.press("enter")
        await panel.sees("true")
        await panel.press("enter")
        await panel.until(lambda: any("from the next start" in toast for toast in panel.toasts))
        assert "read_only = true" in workspace.config_path.read_text(encoding="utf-8")
        await to(panel, screen, "panel.keymap")
        await panel.press("enter")
        await panel.sees("A TOML file, relative to the workspace")
        await panel.press(*"my.toml", "enter")
        await panel.until(lambda: 'keymap = "my.toml"' in workspace.config_path.read_text(encoding="utf-8"))


async def test_a_file_changed_outside_is_read_again_and_a_wrong_one_is_told_beside(
    workspace: Workspace,
) -> None:
    async with opened(workspace, (120, 40)) as panel:
        await on_settings(panel)
        await panel.press("f")
        workspace.config_path.write_text(FILE.replace("attempts = 3", "attempts = 44"), encoding="utf-8")
        await panel.sees("44")
        assert panel.app.workspace.config.limits.attempts == 44
        workspace.config_path.write_text("[limits]\natempts = 5\n", encoding="utf-8")
        await panel.sees("limits.atempts")
        await panel.until(lambda: "Did you mean attempts?" in " ".join(panel.text.split()))
        await panel.sees("the last one that was right holds")
        assert panel.app.workspace.config.limits.attempts == 44
        workspace.config_path.write_text(FILE, encoding="utf-8")
        await panel.until(lambda: "the last one that was right" not in panel.text)


async def test_a_file_that_is_wrong_from_the_beginning_says_what_and_how_to_mend_it(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    workspace.config_path.write_text('pipeline = ["frobnicator"', encoding="utf-8")
    async with opened(workspace) as panel:
        await panel.press("8")
        await panel.sees("is no valid TOML")
        await panel.sees("e opens it.")


async def test_the_editor_opens_the_file_and_what_it_leaves_holds(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal that can be lent to an editor is not there in a test; the editor is real."""
    program = tmp_path / "editor"
    program.write_text('#!/bin/sh\nsed -i "s/attempts = 3/attempts = 7/" "$1"\n', encoding="utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("VISUAL", str(program))
    async with opened(workspace, (120, 40)) as panel:
        await on_settings(panel)
        monkeypatch.setattr(panel.app, "suspend", nullcontext)
        await panel.press("e")
        await panel.until(lambda: panel.app.workspace.config.limits.attempts == 7)
        monkeypatch.undo()
        monkeypatch.setenv("VISUAL", str(tmp_path / "gone"))
        await panel.press("e")
        await panel.until(lambda: any("gone" in toast for toast in panel.toasts))


async def test_a_read_only_panel_changes_no_setting(workspace: Workspace) -> None:
    workspace.config_path.write_text(f"{FILE}[panel]\nread_only = true\n", encoding="utf-8")
    before = workspace.config_path.read_text(encoding="utf-8")
    async with opened(workspace, (120, 40)) as panel:
        screen = await on_settings(panel)
        await panel.press("e")
        await to(panel, screen, "panel.read_only")
        await panel.press("backspace")
        await panel.until(lambda: len(panel.toasts) >= 2)
        assert workspace.config_path.read_text(encoding="utf-8") == before


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40), (200, 60)], ids=str)
async def test_every_size_shows_the_list_its_meaning_and_keys_whole(
    workspace: Workspace, size: tuple[int, int]
) -> None:
    async with opened(workspace, size) as panel:
        await on_settings(panel)
        await panel.sees("panel.theme")
        await panel.sees("The theme's name")
        keys = panel.app.screen.query_one(KeyLine)
        assert 0 < len(keys.keys) <= 8
        if size[0] >= 80:
            assert keys.fitting() == list(keys.keys)


async def test_a_file_that_cannot_be_written_is_an_error_and_nothing_changes(workspace: Workspace) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anything")
    workspace.root.chmod(0o500)
    try:
        async with opened(workspace, (120, 40)) as panel:
            screen = await on_settings(panel)
            await to(panel, screen, "panel.read_only")
            await panel.press("enter", "enter")
            await panel.until(lambda: any("cannot be written" in toast for toast in panel.toasts))
    finally:
        workspace.root.chmod(0o700)
