"""vLLM itself, on processors, with a model of random weights: its own server, and its engine in our process.

Random weights write noise, so these show that the way there and back works, and never how well a model reads.
Three answers are known all the same: a text that the request leaves no other choice than, an empty page (the
end is the likeliest token), and a loop that ends only where the answer's length does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("vllm")

from bocr_worker.engines.base import EngineSpec
from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.written import parse_markdown
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime
from tests.worker.tiny_models.qwen import make_qwen3_vl
from tests.worker.vision_engines import SPEC
from tests.worker.vllm_cpu.parts import KINDS, order, page, processes_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

KNOWN = "Dahir du 12 juin 1914 relatif à l'immatriculation"
TOKENS = 96
FLAGS = (
    ServerFlag("--dtype", "bfloat16"),
    ServerFlag("--enforce-eager"),
    ServerFlag("--max-model-len", "2048"),
    ServerFlag("--max-num-seqs", "2"),
    ServerFlag("--limit-mm-per-prompt", '{"image":1,"video":0}'),
)


def _fields(version: Any, options: Any) -> dict[str, Any]:
    """What makes an answer known."""
    if options.get("known"):
        return {"structured_outputs": {"choice": [KNOWN]}}
    return {"logit_bias": {str(options["end"]): 100}} if "end" in options else {}


VISION = VisionEngine(
    models=("tiny",),
    prompts={"plain": "Read this page."},
    parse=parse_markdown,
    sampling=lambda retry: Sampling(max_tokens=TOKENS),
    fields=_fields,
    options=("known", "end"),
    flags=FLAGS,
)
TINY: EngineSpec = replace(SPEC, vision=VISION)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-qwen3-vl")
    make_qwen3_vl(folder)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(KINDS))
async def runtime(
    request: pytest.FixtureRequest, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenAiRuntime]:
    started = KINDS[request.param](TINY, order("standin", weights), tmp_path_factory.mktemp(request.param))
    identity = await started.start()
    assert identity.version.startswith("vllm 0.") and identity.weights == str(weights)
    yield started
    await started.close()
    assert not processes_of(weights), "a process of the server outlived it"


async def test_a_known_text_comes_back_with_its_probabilities(runtime: OpenAiRuntime) -> None:
    read = await runtime.ask(page(known=True), 300.0)
    assert (read.text, read.finish) == (KNOWN, "stop")
    assert read.usage.completion_tokens is not None and read.usage.completion_tokens > 5
    assert read.usage.prompt_tokens is not None and read.usage.prompt_tokens > 20, "the image is among them"
    assert read.confidence.mean is not None and 0.0 < read.confidence.mean <= 1.0
    assert read.confidence.minimum is not None and read.confidence.minimum <= read.confidence.mean


async def test_an_answer_without_an_end_is_cut_and_says_so(runtime: OpenAiRuntime) -> None:
    read = await runtime.ask(page(), 300.0)
    assert read.finish == "length" and read.usage.completion_tokens == TOKENS


async def test_an_empty_page_is_empty_and_no_error(runtime: OpenAiRuntime, weights: Path) -> None:
    from transformers import AutoTokenizer

    end = AutoTokenizer.from_pretrained(str(weights)).eos_token_id
    read = await runtime.ask(page(end=end), 300.0)
    assert (read.text, read.finish) == ("", "stop")


async def test_pages_are_read_together(runtime: OpenAiRuntime) -> None:
    reads = await asyncio.gather(*(runtime.ask(page(known=True), 300.0) for _ in range(5)))
    assert {read.text for read in reads} == {KNOWN}
    assert runtime.facts["servers_up"] == 1 and runtime.facts["restarts"] == 0


async def test_a_server_that_was_killed_is_started_again_and_its_pages_are_read(
    runtime: OpenAiRuntime, weights: Path
) -> None:
    asking = [asyncio.create_task(runtime.ask(page(known=True), 600.0)) for _ in range(3)]
    await asyncio.sleep(0.05)
    for pid in processes_of(weights):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert {read.text for read in await asyncio.gather(*asking)} == {KNOWN}
    assert runtime.facts["restarts"] == 1 and runtime.facts["lost_s"] > 0


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_nothing_is_left_when_the_end_comes_mid_start(kind: str, weights: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(weights, tmp_path / "weights"))  # another server may run from the others
    starting = KINDS[kind](TINY, order("standin", own), tmp_path)
    task = asyncio.create_task(starting.start())
    while not processes_of(own):
        await asyncio.sleep(0.1)
    await asyncio.sleep(8.0)  # into the libraries' imports, where a signal alone leaves orphans
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not processes_of(own)
