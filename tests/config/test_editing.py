"""Sites come into a bocr.toml and go out of it; what a person wrote there stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomllib
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.config.editing import with_site, without_site, write_config
from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import parse_config
from bocr_tui.config.workspace import FIRST_CONFIG

SETTINGS = {
    "transport": "ssh",
    "host": "inpt",
    "setup": ["module use /app", 'echo "é\t$HOME" # not a comment'],
    "pbs": {"queue": "gpu_1d"},
    "environments": {"chandra": {"activate": ["source activate khalil_vllm"], "model": "~/models"}},
}

WRITTEN = [
    "",
    FIRST_CONFIG,
    '# mine\nlanguages = ["fr"]   # first\n\n[sites.local]\ncores = 2 # 2\n# the end\n[planning]\npages=3\n',
    "[planning]\npages = 3",
    '[[language_rules]]\nroot = "x"\nlanguage = "fr"\n\n[[language_rules]]\nroot = "y"\nlanguage = "ar"\n',
    'site = "a" # chosen\n[sites.a]\n[sites.a.environments.x]\nmodel = "m"\n[limits]\nattempts = 2\n',
    "pipeline = [\n  'rapidocr', # one\n  { engine = 'tesseract' },\n]\n\n\n[sites.b.pbs]\nqueue = 'q'\n",
]


@pytest.mark.parametrize("default", [False, True])
@pytest.mark.parametrize("text", WRITTEN)
def test_a_site_comes_in_and_nothing_else_changes(text: str, default: bool) -> None:
    made = with_site(text, "inpt", SETTINGS, default=default, where="bocr.toml")
    site = parse_config(made, "bocr.toml").sites["inpt"]
    assert site.setup == tuple(SETTINGS["setup"])
    assert site.environments["chandra"].model == "~/models"
    for line in text.splitlines():
        if not line.startswith("site ="):
            assert line in made.splitlines()
    before, after = tomllib.loads(text), tomllib.loads(made)
    assert after.pop("site", None) == ("inpt" if default else before.pop("site", None))
    before.pop("site", None)
    after["sites"].pop("inpt")
    assert after == before if "sites" in before else after == {**before, "sites": {}}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_site_that_goes_leaves_the_file_as_it_was(text: str) -> None:
    made = with_site(text, "inpt", SETTINGS, default=False, where="bocr.toml")
    left = without_site(made, "inpt", where="bocr.toml")
    assert [line for line in left.splitlines() if line] == [line for line in text.splitlines() if line]


def test_the_default_goes_with_its_site() -> None:
    made = with_site(WRITTEN[2], "inpt", SETTINGS, default=True, where="bocr.toml")
    assert parse_config(made, "bocr.toml").site == "inpt"
    left = without_site(made, "inpt", where="bocr.toml")
    assert parse_config(left, "bocr.toml").site == "local"
    assert "# mine" in left


def test_a_file_that_cannot_be_changed_safely_is_left_alone() -> None:
    with pytest.raises(ConfigError, match="cannot be changed"):
        with_site("sites = { a = { cores = 2 } }", "inpt", SETTINGS, default=True, where="bocr.toml")


def test_what_would_not_be_right_is_not_written() -> None:
    with pytest.raises(ConfigError, match="needs host"):
        with_site("", "inpt", {"transport": "ssh"}, default=False, where="bocr.toml")
    with pytest.raises(ConfigError, match="no site inpt"):
        without_site("", "inpt", where="bocr.toml")


_TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\n\r\0"), max_size=12)


@given(
    lines=st.lists(_TEXT, max_size=3),
    model=_TEXT,
    engine=st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True),
)
def test_any_text_comes_in_as_it_is(lines: list[str], model: str, engine: str) -> None:
    settings = {"setup": lines, "environments": {engine: {"model": model}}}
    site = parse_config(with_site("", "x", settings, default=True, where="t"), "t").sites["x"]
    assert site.setup == tuple(lines)
    assert site.environments[engine].model == model


def test_the_file_is_replaced_whole_and_keeps_its_permissions_and_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "bocr.toml"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_config(link, 'site = "é"\n')
    assert link.is_symlink()
    assert real.read_bytes() == 'site = "é"\n'.encode()
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bocr.toml", "real.toml"]
