"""Settings one by one: where each comes from, and changed without harm to the file that a person wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomllib
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.actions.action import CatalogHandle, Context, Options
from bocr_tui.actions.registry import action_named
from bocr_tui.config.editing import with_setting
from bocr_tui.config.errors import ConfigError, UsageError
from bocr_tui.config.model import Config, parse_config
from bocr_tui.config.settings import HIDDEN, Setting, settings_of
from bocr_tui.config.workspace import make_workspace

FILE = """\
# mine
languages = ["ar", "fr"]  # Arabic first

[limits]
attempts = 3

[sites.inpt]
transport = "ssh"
host = "login.example"
setup = ["module load conda", "export HF_TOKEN=abc123 PATH=/x"]
[sites.inpt.pbs]
queue = "gpu_1d"
[sites.inpt.environments.chandra]
python = "~/env/bin/python"

[[pipeline]]
engine = "tesseract"
options = { psm = 6, api_key = "sk-1" }
"""


def found(text: str = FILE) -> dict[str, Setting]:
    return {each.key: each for each in settings_of(parse_config(text, "bocr.toml"), text)}


def test_each_setting_says_where_it_comes_from_and_what_it_means() -> None:
    settings = found()
    assert (settings["limits.attempts"].value, settings["limits.attempts"].default) == ("3", "6")
    assert (settings["limits.attempts"].is_set, settings["limits.attempts"].line) == (True, 5)
    assert settings["limits.attempts"].meaning.startswith("Attempts on one page")
    assert (settings["limits.job_tries"].is_set, settings["limits.job_tries"].line) == (False, 0)
    assert settings["languages"].line == 2
    assert settings["sites.inpt.pbs.queue"].line == 12
    assert settings["sites.inpt.environments.chandra.python"].line == 14
    assert settings["sites.inpt.transport"].choices == ("local", "ssh")
    assert settings["panel.images"].kind.startswith("one of auto")
    assert settings["planning.pages"].kind == "a whole number"


def test_no_secret_is_shown() -> None:
    everything = " ".join(f"{each.value} {each.default}" for each in found().values())
    assert "abc123" not in everything and "sk-1" not in everything
    assert everything.count(HIDDEN) == 2
    assert "PATH=/x" in everything and "psm = 6" in everything


def test_every_setting_of_the_model_is_there_with_a_meaning_where_it_has_one() -> None:
    settings = found("")
    assert not any(each.is_set for each in settings.values())
    for name in Config.model_fields:
        assert any(key == name or key.startswith(f"{name}.") for key in settings), name


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("panel.theme", "bocr-light"),
        ("panel.read_only", True),
        ("limits.attempts", 9),
        ("limits.job_tries", 2),
        ("site", "inpt"),
        ("planning.pages", 50),
    ],
)
def test_one_setting_changes_and_nothing_else(key: str, value: object) -> None:
    made = with_setting(FILE, key, value, where="bocr.toml")
    *above, name = key.split(".")
    before, after = tomllib.loads(FILE), tomllib.loads(made)
    table = after[above[0]] if above else after
    assert table.pop(name) == value
    if above:
        before.setdefault(above[0], {}).pop(name, None)
    assert after == before
    assert "# mine" in made and "# Arabic first" in made


@pytest.mark.parametrize("key", ["panel.theme", "limits.attempts", "site"])
def test_a_setting_that_is_taken_out_is_the_default_again(key: str) -> None:
    with_one = with_setting(
        FILE, key, {"limits.attempts": 5, "panel.theme": "nord"}.get(key, "inpt"), where="f"
    )
    without = with_setting(with_one, key, None, where="f")
    name = key.split(".")[-1]
    assert f"\n{name} = " not in without
    assert with_setting(without, key, None, where="f") == without


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("panel.theme", "No Such Theme!", "does not have the form"),
        ("panel.theme", "bocr-lite", "there is no theme 'bocr-lite'; the nearest is bocr-light"),
        ("panel.theme", "x", "there is no theme 'x'; there are bocr-dark, bocr-light"),
        ("panel.themes", "x", "Did you mean theme"),
        ("limits.attempts", "many", "must be a whole number"),
        ("sites.inpt.host", "x", "cannot be set from here"),
    ],
)
def test_what_would_not_do_is_refused_in_words(key: str, value: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        with_setting(FILE, key, value, where="bocr.toml")


@given(st.sampled_from(["bocr-light", "nord", "tokyo-night"]), st.booleans(), st.integers(1, 100))
def test_changes_after_each_other_all_hold(theme: str, read_only: bool, attempts: int) -> None:
    text = FILE
    for key, value in (
        ("panel.theme", theme),
        ("panel.read_only", read_only),
        ("limits.attempts", attempts),
    ):
        text = with_setting(text, key, value, where="f")
    config = parse_config(text, "f")
    assert (config.panel.theme, config.panel.read_only, config.limits.attempts) == (
        theme,
        read_only,
        attempts,
    )


def test_the_action_writes_the_file_and_whoever_asks_next_sees_it(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "w")
    before = workspace.config.panel.theme
    handle = CatalogHandle(workspace.catalog_path)

    def run(setting: str, value: str | None) -> str:
        options = Options(setting=setting, value=value)
        return action_named("workspace.set").run(Context(workspace, handle), options).text

    assert run("panel.theme", "bocr-light") == "panel.theme is bocr-light."
    assert (before, workspace.config.panel.theme) == ("bocr-dark", "bocr-light")
    assert run("panel.read_only", "true") and workspace.config.panel.read_only
    with pytest.raises(ConfigError):
        run("panel.images", "painted")
    assert workspace.config.panel.images == "auto"
    run("panel.theme", None)
    assert workspace.config.panel.theme == "bocr-dark"
    workspace.config_path.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        run("panel.theme", "bocr-light")
