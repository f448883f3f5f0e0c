"""What the documentation promises is what the code does."""

from __future__ import annotations

import subprocess
import sys

from bocr_tui.cli.app import COMMANDS, app
from bocr_tui.cli.call import EXIT_CODES
from bocr_tui.cli.finish import run_record
from bocr_tui.report.summary import Summary
from tests.cli.conftest import ROOT, environment

GUIDE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_guide() -> None:
    names = [str(info.name) for info in app.registered_commands]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        inner = group.typer_instance.registered_commands
        names += [f"{group.typer_instance.info.name} {info.name}" for info in inner]
    assert len(names) >= 18
    assert [name for name in names if f"`bocr {name}" not in GUIDE] == []


def test_the_help_groups_the_commands_in_the_order_in_which_they_are_needed() -> None:
    reference = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    whole = reference.partition("## `bocr init`")[0]
    places = [whole.index(f"\n{heading}:\n") for heading in COMMANDS]
    assert places == sorted(places) and "\nCommands:\n" not in whole
    for name in (str(info.name) for info in app.registered_commands):
        assert whole.count(f"\n  {name} ") == 1, name


def test_the_keys_of_a_run_are_those_that_are_promised() -> None:
    record = run_record(Summary(), 1.0)
    promised = ["documents", "pages", "ok", "failed", "gave_up", "unreadable", "failures", "seconds"]
    assert list(record) == promised
    assert all(f'"{key}"' in GUIDE for key in promised)


def test_the_exit_codes_are_said_in_help_and_guide() -> None:
    for code in ("0", "1", "2", "3", "130"):
        assert f"| {code} |" in GUIDE
        assert f"{code} " in EXIT_CODES


def test_the_generated_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
