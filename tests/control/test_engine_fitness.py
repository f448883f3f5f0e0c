"""Engines that cannot run on this machine are known beforehand; of all others nothing is claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bocr_tui.config.model import Config, load_config
from bocr_tui.control.engine_fitness import NEEDS_GPU, unfit


def config_of(folder: Path, text: str = "") -> Config:
    path = folder / "bocr.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_an_engine_whose_program_is_not_there_is_known_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = unfit(config_of(tmp_path), "local", ["noop", "tesseract", "nosuch"])
    assert list(found) == ["tesseract"]
    why = found["tesseract"]
    assert why.words and why.cause == f"tesseract cannot run on local: {why.words}." and why.next_step


@pytest.mark.parametrize(
    "text",
    [
        '[sites.local]\npython = "/opt/python"\n',
        '[sites.local]\nsetup = ["source env.sh"]\n',
        '[sites.local.environments.chandra]\npython = "/opt/python"\n',
        '[engines.chandra.options]\nurl = ["http://127.0.0.1:8000/v1"]\nmodel = "m"\n',
        '[sites.local]\ntransport = "ssh"\nhost = "box.example"\n',
        '[sites.local]\nscheduler = "pbs"\n',
    ],
    ids=["python", "setup", "environment", "server", "ssh", "pbs"],
)
def test_nothing_is_claimed_of_what_is_elsewhere(tmp_path: Path, text: str) -> None:
    """Without it, the engine needs a GPU with its libraries, which machines that run tests lack."""
    plain = unfit(config_of(tmp_path), "local", ["chandra"])
    if plain:
        assert plain["chandra"].words == NEEDS_GPU
    assert unfit(config_of(tmp_path, text), "local", ["chandra"]) == {}
