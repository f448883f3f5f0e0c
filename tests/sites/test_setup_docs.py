"""docs/sites.md: its examples are right, and its commands exist."""

from __future__ import annotations

import re

import pytest

from bocr_tui.cli.app import app
from bocr_tui.config.model import StageConfig, parse_config
from bocr_tui.sites.doctor.examine import engines_of
from bocr_tui.sites.environments import python_command, shell_lines
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "sites.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n", 1)[0])
def test_every_example_is_right(block: str) -> None:
    config = parse_config(block, "docs/sites.md")
    assert len(config.sites) == 2
    assert config.site in config.sites


def test_the_worked_example_is_the_one_that_was_asked_for() -> None:
    config = parse_config(BLOCKS[0], "docs/sites.md")
    site = config.sites["inpt"]
    assert (site.pbs.queue, site.pbs.select) == ("gpu_1d", "1:ncpus=20:mem=180gb:ngpus=1")
    assert shell_lines(site, "chandra-1") == (
        "module use /app/common/modules",
        "module load anaconda3-2024.10",
        "source activate khalil_vllm",
    )
    assert shell_lines(site, "deepseek-ocr")[-1] == "source activate deepseek_khalil"
    assert python_command(site, "chandra-1") == "python"
    assert engines_of(config, "inpt") == ("chandra-1", "deepseek-ocr")
    stages = [stage for stage in site.pipeline if isinstance(stage, StageConfig)]
    assert [stage.runtime for stage in stages] == ["", "transformers"]


def test_every_command_that_is_named_exists() -> None:
    known = {command.name for command in app.registered_commands} | {"site"}
    shell = "".join(re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
    named = {*re.findall(r"`bocr ([a-z]+)", TEXT), *re.findall(r"^bocr ([a-z]+)", shell, re.MULTILINE)}
    assert {"doctor", "site", "resume", "commands", "import"} <= named
    assert named - known == set()
