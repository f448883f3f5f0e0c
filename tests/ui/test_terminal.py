"""The screen is ours alone: what others print goes to a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bocr_tui.config.errors import UsageError
from bocr_tui.config.workspace import make_workspace
from bocr_tui.ui.app import run_panel
from bocr_tui.ui.terminal import stderr_kept_in


def test_what_libraries_and_children_print_goes_to_the_log_and_textual_still_has_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "panel.log"
    with stderr_kept_in(log):
        os.write(2, b"a native library\n")
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'a child\\n')"], check=True)
        terminal = sys.__stderr__
        assert terminal is not None
        terminal.write("a frame")
        terminal.flush()
    os.write(2, b" and back")
    assert log.read_text() == "a native library\na child\n"
    assert capfd.readouterr().err == "a frame and back"


def test_a_log_that_cannot_be_written_costs_only_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with stderr_kept_in(tmp_path / "nowhere" / "panel.log"):
        os.write(2, b"dropped")
    assert capfd.readouterr().err == ""


def test_without_a_terminal_the_panel_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs a terminal"):
        run_panel(make_workspace(tmp_path))
