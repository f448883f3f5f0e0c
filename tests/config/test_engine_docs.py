"""docs/engines.md: its examples make engines, its options exist, its table is the registry's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bocr_tui.cli.checks import engine_checks
from bocr_tui.config.check import DOUBTFUL, GOOD
from bocr_tui.config.engine_words import needs, reads
from bocr_tui.config.model import parse_config
from bocr_tui.control.pipeline import build_pipeline
from bocr_worker.engines.registry import all_engines, engine_of
from bocr_worker.engines.vision.base import option_names
from bocr_worker.engines.vision.defined import PARSERS
from bocr_worker.runtimes.openai.options import SERVER_OPTIONS
from bocr_worker.runtimes.transformers.options import TRANSFORMERS_OPTIONS
from bocr_worker.runtimes.vllm.runtime import VLLM_OPTIONS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_every_example_makes_engines(block: str) -> None:
    config = parse_config(block, "docs/engines.md")
    for name in config.engines:
        (stage,) = build_pipeline(config, name).stages
        assert engine_of(stage.engine).vision is not None
    if config.pipeline:
        assert len(build_pipeline(config).stages) == 2


def test_every_option_that_is_named_exists() -> None:
    known = {*SERVER_OPTIONS, *TRANSFORMERS_OPTIONS, *VLLM_OPTIONS}
    for spec in all_engines().values():
        known.update(option_names(spec.vision) if spec.vision else spec.options)
    rows = re.findall(r"^\| (`[a-z_`, …]+) \| [^|]* \| [^|]* \|$", TEXT, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row)} - all_engines().keys()
    assert {"prompt", "mode", "url", "ngram_size", "psm", "detect_dpi"} <= named
    assert named - known == set()


def test_every_form_of_answers_is_explained() -> None:
    assert all(f"| `{parser}` |" in TEXT for parser in PARSERS)


def test_the_table_names_every_engine() -> None:
    missing = [name for name in all_engines() if name != "noop" and f"| `{name}` |" not in TEXT]
    assert missing == []


def test_the_doctor_says_of_every_engine_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bocr_worker.engines.vision.spec.find_spec", lambda name: None)
    said = {check.name: check for check in engine_checks(None)}
    assert {f"engine {name}" for name in all_engines()} == set(said)
    model = said["engine deepseek-ocr"]
    assert model.state == GOOD
    assert "on a site: a GPU, 7 GB for its weights; vLLM 0.11.1 or later, before 0.30" in model.said


def test_a_model_that_jobs_here_would_run_is_worth_a_note(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bocr_tui.config.workspace import Workspace

    monkeypatch.setattr("bocr_worker.engines.vision.spec.find_spec", lambda name: None)
    (tmp_path / "bocr.toml").write_text('pipeline = ["mine"]\n[engines.mine]\nbased_on = "rolmocr"\n')
    said = {check.name: check for check in engine_checks(Workspace(tmp_path))}
    assert said["engine mine"].state == DOUBTFUL
    assert "GPU" in said["engine mine"].next_step
    assert said["engine rolmocr"].state == GOOD


def test_words_on_engines() -> None:
    engines = all_engines()
    assert reads(engines["got-ocr2"]) == "English, Chinese"
    assert reads(engines["lightonocr"]) == "English, French, Chinese and 8 more"
    assert reads(engines["qwen3-vl"]) == "every language"
    assert needs(engines["got-ocr2"]) == "a GPU, 1 GB for its weights; transformers"
    assert needs(engines["tesseract"]) == ""
