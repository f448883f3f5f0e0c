"""The panel as a person uses it, in a real terminal of 80 × 24, with real jobs on this machine."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from bocr_tui.cli.main import main
from tests.ui.in_tmux import Tmux
from tests.ui.staged import SAMPLE

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

FAILS_AT_FIRST = """
languages = ["fr"]
pipeline = [{ engine = "noop", options = { answer = "loop" } }]
"""


def bocr(folder: Path) -> str:
    """The shell line that opens the panel in a folder."""
    python = f"{shlex.quote(sys.executable)} -m bocr_tui.cli.main"
    path = shlex.quote(":".join(word for word in sys.path if word))
    return f"cd {shlex.quote(str(folder))} && PYTHONPATH={path} BOCR_WORKSPACE= exec {python}"


def command(terminal: Tmux, line: str) -> None:
    """Open the command line, type, and run it."""
    terminal.press(":")
    terminal.sees("To a place")
    terminal.type(line)
    terminal.sees(line[-20:])  # a line longer than the screen scrolls
    terminal.press("Enter")


def test_import_plan_submit_a_page_fails_drill_down_resubmit_and_it_is_read(tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    shutil.copy(SAMPLE, scans / "gazette.jpg")
    work = tmp_path / "work"
    assert main(["init", str(work)]) == 0
    (work / "bocr.toml").write_text(FAILS_AT_FIRST, encoding="utf-8")
    with Tmux(tmp_path / "tmux", bocr(work)) as terminal:
        terminal.sees("Nothing has been imported yet")

        command(terminal, f"import {scans}")
        terminal.sees("✓ 0/1")

        terminal.press("1")
        terminal.sees("gazette.jpg")
        terminal.sees("1 batch of all that is new")
        terminal.press("P")
        terminal.sees("Make 1 batch?")
        terminal.press("Right", "Enter")
        terminal.until(lambda screen: "1 batch " in screen and "Make" not in screen, "the batch")

        terminal.press("2")
        terminal.sees("· planned")
        terminal.press("s")
        terminal.sees("bocr submit")
        terminal.press("Right", "Enter")
        terminal.sees("✗ 1 failed")

        # Three keys to the failed page's image and reason, one to send it again.
        terminal.press("4")
        terminal.sees("1 page")
        terminal.press("f")
        terminal.until(lambda screen: "only failed" in screen and "gazette.jpg" in screen, "the failed page")
        terminal.press("Enter")
        terminal.until(lambda screen: "repetition" in screen and "▀" in screen, "the reason and the image")
        terminal.press("r")
        terminal.sees("✗ 0 failed")
        terminal.until(lambda screen: "✗ 1 failed" in screen and "gave up" in screen, "it failed again")

        command(terminal, "resubmit engine=noop")
        terminal.sees("✓ 1/1")
        terminal.sees("✗ 0 failed")

        terminal.press("q")
        terminal.ended()
    assert main(["-w", str(work), "pages", "--state", "ok", "--json"]) == 0


def test_the_first_run_makes_a_workspace_only_when_it_was_chosen_and_opens_it(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    with Tmux(tmp_path / "tmux", bocr(folder)) as terminal:
        terminal.sees("Make a workspace")
        assert list(folder.iterdir()) == []
        terminal.press("i")
        terminal.sees("Make a workspace in")
        terminal.press("Enter")
        terminal.sees("Nothing has been imported yet")
        assert (folder / "bocr.toml").is_file()
        terminal.press("q")
        terminal.ended()
