"""The panel over a real SSH server: asked for a key and a passphrase, it reads pages there and shows how."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.widgets import Input

from bocr_tui.config.workspace import Workspace
from bocr_tui.ui.screens.log import LogScreen
from bocr_tui.ui.screens.question import QuestionScreen
from bocr_tui.ui.widgets.log_view import LogView
from tests.sites.sshd import Sshd, make_key
from tests.ui.conftest import Panel, opened
from tests.ui.planned_page import planned_page


@pytest.fixture
def far(sshd: Sshd, tmp_path: Path) -> Workspace:
    """A planned page, and a site whose host key nobody knows and whose key needs a passphrase."""
    (sshd.ssh / "known_hosts").unlink()
    make_key(sshd.ssh / "id_ed25519", "correct horse")
    shutil.copy(sshd.ssh / "id_ed25519.pub", sshd.folder / "authorized_keys")
    return planned_page(tmp_path, f"{sshd.home}/site", reads_s=1, every_s=0.5)


async def answered(panel: Panel, *keys: str) -> str:
    """Answer the question on the screen; returns what it said."""
    await panel.until(lambda: isinstance(panel.app.screen, QuestionScreen) and panel.app.focused is not None)
    said, screen = panel.text, panel.app.screen
    await panel.press(*keys)
    await panel.until(lambda: panel.app.screen is not screen)
    return said


@pytest.mark.slow
async def test_a_page_is_read_on_a_site_after_its_questions_are_answered(far: Workspace, sshd: Sshd) -> None:
    async with opened(far, (120, 40), drive=True) as panel:
        await panel.press("s")
        await panel.agree()
        said = await answered(panel, "escape")
        assert "SHA256:" in said
        await panel.until(lambda: "far ‖ paused" in panel.lines[0])
        assert not (sshd.ssh / "known_hosts").exists()
        await panel.go("sites")
        await panel.press("r")
        await answered(panel, "tab", "enter")
        await panel.until(
            lambda: isinstance(panel.app.screen, QuestionScreen) and bool(panel.app.screen.query(Input))
        )
        said = await answered(panel, *"correct horse", "enter")
        assert "id_ed25519" in said and "correct horse" not in said
        await panel.sees("● connected")
        await panel.until(lambda: panel.app.screen.query_one(LogView).seen.lines > 3)
        await panel.go("jobs")
        await panel.until(lambda: panel.table.row_count and panel.table.current.state == "running")
        await panel.press("l")
        await panel.until(lambda: isinstance(panel.app.screen, LogScreen))
        await panel.until(lambda: panel.app.sight.counts.pages.ok == 1)
        await panel.press("escape")
        await panel.sees("✓ finished")
    commands = (far.root / "commands.jsonl").read_text(encoding="utf-8")
    assert "poll" in commands and "horse" not in commands
    assert "horse" not in (far.root / "catalog.db").read_bytes().decode("latin-1")
