"""The README promises commands, options, targets and files: each of them is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
LINES = [line.partition("#")[0].strip() for block in _BLOCKS for line in block.splitlines()]
INLINE = re.findall(r"`((?:bocr|make)(?: [^`]*)?)`", README)
SAID = [shlex.split(text.replace("</dev/null", "")) for text in [*LINES, *INLINE] if text]
BOCR = [words[1:] for words in SAID if words[0] == "bocr"]


@cache
def help_of(command: str) -> str:
    """What `bocr COMMAND --help` prints, on one long line."""
    code = "import sys; from bocr_tui.cli.main import main; sys.exit(main())"
    answer = subprocess.run(
        [sys.executable, "-c", code, *command.split(), "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": f"{ROOT}:{ROOT / 'worker'}"},
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_readme_shows_the_two_commands_that_start_everything() -> None:
    assert ["make", "demo"] in SAID
    assert ["make", "test"] in SAID


def test_every_command_that_the_readme_names_exists() -> None:
    named = {words[0] for words in BOCR if words and not words[0].startswith("-")}
    assert {"run", "import", "plan", "submit", "watch", "pages", "resubmit", "export"} <= named
    listed = help_of("")
    assert [name for name in sorted(named) if not re.search(rf"^\W*{name}\b", listed, re.MULTILINE)] == []


def test_every_option_that_the_readme_shows_is_one_of_its_command() -> None:
    unknown = [
        f"{words[0]} {option}"
        for words in BOCR
        for option in words[1:]
        if option.startswith("--") and option not in help_of(words[0])
    ]
    assert unknown == []


def test_every_make_target_that_the_readme_names_exists_and_is_in_the_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {words[1] for words in SAID if words[0] == "make" and len(words) > 1}
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert targets <= set(phony[1].split())
    shown = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True).stdout
    assert [target for target in sorted(targets) if f"make {target}" not in shown] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "samples/ATTRIBUTION.md"])
def test_every_link_to_a_file_leads_somewhere(name: str) -> None:
    path = ROOT / name
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith("https://")]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_the_exit_codes_are_those_of_the_command_line() -> None:
    from bocr_tui.cli import call

    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert codes == {getattr(call, name) for name in vars(call) if re.fullmatch(r"EXIT_(?!CODES)\w+", name)}
