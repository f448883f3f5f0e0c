"""The guides' commands can be typed as they stand, their configuration is taken, their links lead on."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from bocr_tui.cli.app import app
from bocr_tui.config.model import load_config
from bocr_tui.config.workspace import make_workspace

DOCS = Path(__file__).resolve().parent.parent / "docs"
GUIDES = ("tutorial.md", "panel.md")


def blocks(guide: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (DOCS / guide).read_text(encoding="utf-8"), re.DOTALL)


def commands(guide: str) -> list[list[str]]:
    """The words of every `bocr` command in the guide's blocks and in its sentences."""
    text = (DOCS / guide).read_text(encoding="utf-8")
    lines = [
        part for block in blocks(guide, "sh") for line in block.splitlines() for part in line.split("&&")
    ]
    said = [shlex.split(line) for line in [*lines, *re.findall(r"`(bocr [^`]+)`", text)]]
    return [words[1:] for words in said if words[:1] == ["bocr"] and len(words) > 1]


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_guide_is_one_with_these_options(guide: str) -> None:
    group = typer.main.get_command(app)
    found = commands(guide)
    assert found
    for name, *rest in found:
        command = group.commands[name]  # type: ignore[attr-defined]
        if not rest and f"`bocr {name}`" in (DOCS / guide).read_text(encoding="utf-8"):
            continue  # a sentence about the command, not a line to be typed
        command.make_context(name, list(rest), parent=group.context_class(group, info_name="bocr"))


def test_the_configuration_that_the_tutorial_shows_is_taken(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    (shown,) = blocks("tutorial.md", "toml")
    workspace.config_path.write_text(shown, encoding="utf-8")
    assert load_config(workspace.config_path).sites["cluster"].host == "cluster"


@pytest.mark.parametrize("guide", GUIDES)
def test_every_link_of_a_guide_leads_to_a_file(guide: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (DOCS / guide).read_text(encoding="utf-8"))
    gone = [link for link in links if "://" not in link and not (DOCS / link).exists()]
    assert links
    assert gone == []


def test_the_keys_that_the_panel_s_guide_gives_to_places_are_theirs() -> None:
    from bocr_tui.ui.places import places

    text = (DOCS / "panel.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^## (\w+) \((\d)\)$", text, re.MULTILINE))
    known = {place.title: place.key for place in places()}
    assert told
    assert {title: known.get(title) for title in told} == told
