"""The process around vLLM's engine, run for real with an engine that says what it was asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bocr_worker.engines.base import Ask
from bocr_worker.engines.deepseek_ocr import DEEPSEEK_OCR
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.runtimes.base import AskFailed, RuntimeBroken
from bocr_worker.runtimes.registry import runtime_for
from bocr_worker.runtimes.vllm.runtime import VllmRuntime
from tests.worker.test_vllm_question import png
from tests.worker.vision_engines import SPEC, running

pytest.importorskip("aiohttp")

FAKE = Path(__file__).parent / "fake_vllm"
ENVIRONMENT = {"PYTHONPATH": str(FAKE)}


def order(name: str, **options: Any) -> EngineOrder:
    quick = {"backoff_s": 0.001, "watch_s": 0.02, "environment": ENVIRONMENT, "start_deadline_s": 60.0}
    return EngineOrder(name, runtime="vllm", options={**quick, "model": "weights", **options})


async def test_a_page_is_read_by_the_engine_itself(tmp_path: Path) -> None:
    runtime = VllmRuntime(SPEC, order("standin"), tmp_path)
    async with running(runtime):
        read = await runtime.ask(Ask(png(), ("fr",)), 20.0)
    assert (read.raw or "").startswith("<picture>|Read this page.|assistant with <PIL.Image")
    assert read.finish == "stop" and read.usage.prompt_tokens == 3
    assert read.confidence.mean is not None and read.confidence.mean > 0.9
    assert "('max_num_seqs', 4)" in (tmp_path / "server.log").read_text()


async def test_a_model_s_own_code_is_registered_and_makes_the_images(tmp_path: Path) -> None:
    """For a release of vLLM that does not know the model: flags that it lacks are named and left out."""
    own = order("deepseek-ocr", code=str(FAKE / "own_code"), mode="large")
    runtime = VllmRuntime(DEEPSEEK_OCR, own, tmp_path)
    async with running(runtime):
        read = await runtime.ask(Ask(png(), ("fr",), options={"prompt": "free"}), 20.0)
    said = "<image> Free OCR. with ('RGB', (30, 20), 1280, 1280, False) and 1 processors"
    assert " ".join((read.raw or "").split()) == said
    log = (tmp_path / "server.log").read_text()
    assert "registered DeepseekOCRForCausalLM" in log
    assert "This vLLM does not know: --logits-processors" in log
    assert "{'architectures': ['DeepseekOCRForCausalLM']}" in log


async def test_what_keeps_a_model_from_going_round_in_circles_reaches_a_release_that_takes_it(
    tmp_path: Path,
) -> None:
    """Its flag has an underscore, as in the authors' words, and vLLM's parser knows it with a dash."""
    takes = {**ENVIRONMENT, "FAKE_VLLM_TAKES_PROCESSORS": "1"}
    runtime = VllmRuntime(DEEPSEEK_OCR, order("deepseek-ocr", environment=takes), tmp_path)
    async with running(runtime):
        await runtime.ask(Ask(png(), ("fr",)), 20.0)
    log = (tmp_path / "server.log").read_text()
    processor = "vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor"
    assert f"('logits_processors', ['{processor}'])" in log
    (left_out,) = (line for line in log.splitlines() if line.startswith("This vLLM does not know"))
    assert "--no-enable-prefix-caching" in left_out and "logits" not in left_out


async def test_a_question_that_does_not_fit_fails_its_page_and_no_other(tmp_path: Path) -> None:
    runtime = VllmRuntime(SPEC, order("standin"), tmp_path)
    async with running(runtime):
        await runtime.ask(Ask(png(), ("fr",)), 20.0)
        with pytest.raises(AskFailed, match="refused this page"):
            await runtime.ask(Ask(png(), ("fr",), options={"max_tokens": 10_000}), 20.0)
        assert (await runtime.ask(Ask(png(), ("fr",)), 20.0)).finish == "stop"


async def test_a_dead_engine_is_started_again(tmp_path: Path) -> None:
    dies = tmp_path / "dies"
    runtime = VllmRuntime(
        SPEC, order("standin", environment={**ENVIRONMENT, "FAKE_VLLM_DIES": str(dies)}), tmp_path
    )
    async with running(runtime):
        await runtime.ask(Ask(png(), ("fr",)), 20.0)
        dies.touch()
        while not runtime.facts["restarts"]:
            assert (await runtime.ask(Ask(png(), ("fr",)), 20.0)).finish == "stop"
    assert "The engine is dead: the background loop has errored" in (tmp_path / "server.log").read_text()


async def test_an_engine_that_cannot_be_built_says_why(tmp_path: Path) -> None:
    runtime = VllmRuntime(SPEC, order("standin", model="broken"), tmp_path)
    with pytest.raises(RuntimeBroken, match="no kernel image is available"):
        await runtime.start()


async def test_a_folder_without_the_model_s_code_is_named(tmp_path: Path) -> None:
    runtime = VllmRuntime(DEEPSEEK_OCR, order("deepseek-ocr", code=str(tmp_path)), tmp_path)
    with pytest.raises(RuntimeBroken, match=r"has no deepseek_ocr\.py"):
        await runtime.start()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"url": "http://127.0.0.1:1"}, "leave out url"),
        ({"command": ["x"]}, "leave out command"),
        ({"stream": True}, "leave out stream"),
        ({"code": 7}, "code should be a folder"),
        ({"modle": "x"}, "Did you mean 'model'"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    options: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeBroken, match=words):
        VllmRuntime(SPEC, EngineOrder("standin", runtime="vllm", options=options), tmp_path)


def test_an_order_names_it(tmp_path: Path) -> None:
    from bocr_worker.protocol.manifest import Limits

    runtime = runtime_for(SPEC, order("standin"), Limits(), 2, tmp_path)
    assert isinstance(runtime, VllmRuntime)
    assert os.environ.get("VLLM_USE_V1") is None, "the worker's own environment stays as it is"
