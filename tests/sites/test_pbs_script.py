"""The job script for PBS: what may stand in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import EnvironmentConfig, PbsConfig, SplitConfig
from bocr_tui.sites.scheduler.pbs.script import directives
from tests.sites.pbs_scripts import TOKEN, script, site


def shown(text: str) -> list[str]:
    return [line.removeprefix("#PBS ") for line in text.splitlines() if line.startswith("#PBS")]


def test_the_site_s_wishes_become_directives_before_anything_else() -> None:
    wishes = PbsConfig(
        queue="gpu_1d",
        select="1:ncpus=20:mem=180gb:ngpus=1",
        walltime="23:30:00",
        account="ocr-2026",
        project="archive",
        directives=("-l place=excl", "-p 10"),
    )
    text = script(site(pbs=wishes))
    assert shown(text) == [
        f"-N {TOKEN}",
        "-q gpu_1d",
        "-l select=1:ncpus=20:mem=180gb:ngpus=1",
        "-l walltime=23:30:00",
        "-A ocr-2026",
        "-P archive",
        "-r n",
        "-W umask=077",
        "-j oe",
        "-l place=excl",
        "-p 10",
    ]
    lines = text.splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("#PBS"))
    assert all(line.startswith("#") for line in lines[:last])


def test_an_engine_s_environment_has_its_own_wishes_and_lines() -> None:
    mine = EnvironmentConfig(activate=("source activate two",), pbs=PbsConfig(queue="long"))
    config = site(setup=("module load one",), environments={"chandra": mine}, pbs=PbsConfig(queue="short"))
    text = script(config, engine="chandra")
    assert "-q long" in shown(text) and "-q short" not in shown(text)
    assert text.index("module load one") < text.index("source activate two") < text.index("workers/0a1b")
    assert "\npython " in text
    assert "-q short" in shown(script(config, engine="noop"))


def test_the_split_stage_asks_for_processors_of_its_own() -> None:
    split = SplitConfig(pbs=PbsConfig(queue="cpu"), environment=EnvironmentConfig(python="/opt/p/python3"))
    text = script(site(split=split, pbs=PbsConfig(queue="gpu")), engine="split")
    assert "-q cpu" in shown(text)
    assert "/opt/p/python3 " in text


HOSTILE = ["a b", "a,b", "q\n#PBS -o /tmp", "é", "$(id)", "`id`", "a;b", "a'b", 'a"b', "a\rb", "-x", "\u0663"]


@pytest.mark.parametrize("setting", ["queue", "account", "project", "select", "walltime"])
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_that_no_directive_can_hold_is_refused_by_its_name(setting: str, value: str) -> None:
    if setting == "select" and value == "-x":
        value = "x y"
    pbs = PbsConfig.model_construct(**{**PbsConfig().model_dump(), setting: value})
    with pytest.raises(ConfigError, match=f"for {setting} "):
        list(directives(TOKEN, pbs))


@pytest.mark.parametrize(
    "value", ["-o /tmp/x", "-l select=2", "-S /bin/sh", "-V", "-v A=1", "-l a=b\n-q x", "-W depend=x"]
)
def test_a_directive_that_could_change_whose_job_it_is_is_refused(value: str) -> None:
    pbs = PbsConfig.model_construct(**{**PbsConfig().model_dump(), "directives": (value,)})
    with pytest.raises(ConfigError, match="for directives"):
        list(directives(TOKEN, pbs))


@given(st.text(max_size=30), st.sampled_from(["queue", "select", "walltime", "account", "project"]))
def test_no_text_gets_out_of_its_directive(value: str, setting: str) -> None:
    pbs = PbsConfig.model_construct(**{**PbsConfig().model_dump(), setting: value})
    try:
        lines = list(directives(TOKEN, pbs))
    except ConfigError:
        return
    for line in lines:
        assert re.fullmatch(r"-[A-Za-z] [A-Za-z0-9_.@+=:-]+", line), line


@pytest.mark.parametrize("token", ["", "A", "a b", "b" * 16, "a\n", "../x"])
def test_a_token_that_is_none_is_a_bug(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        script(site(), token=token)
