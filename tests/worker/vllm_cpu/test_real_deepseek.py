"""DeepSeek-OCR through vLLM itself, on processors: the engine's own flags, prompts, fields and parser.

The weights are random and made by the server, so what it writes is known only where the request leaves it no
choice. That a release from 0.30 on serves the architecture says nothing of how it reads with the real
weights: the engine refuses those releases, and only here are they let in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

pytest.importorskip("vllm")

from bocr_worker.engines.base import EngineSpec
from bocr_worker.engines.deepseek_ocr import DEEPSEEK_OCR
from bocr_worker.engines.vision.versions import ANY
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime
from tests.worker.tiny_models.deepseek import make_deepseek_ocr
from tests.worker.vllm_cpu.parts import KINDS, order, page, processes_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(900)]

GROUNDED = (
    "<|ref|>title<|/ref|><|det|>[[10, 20, 300, 60]]<|/det|>\n# Dahir du 12 juin 1914\n\n"
    "<|ref|>text<|/ref|><|det|>[[10, 80, 999, 400]]<|/det|>\nrelatif à l'immatriculation\n"
)
SMALL_MACHINE = ["--load-format", "dummy", "--dtype", "bfloat16", "--enforce-eager", "--max-num-seqs", "2"]
LETTER = "a"
"""A byte is a token, and its id."""


def _engine() -> EngineSpec:
    """As it is, but for what makes an answer known."""
    vision = DEEPSEEK_OCR.vision
    assert vision is not None

    def fields(version: Any, options: Any) -> dict[str, Any]:
        body = vision.fields(version, options)
        if "known" in options:
            body["structured_outputs"] = {"choice": [options["known"]]}
        if "letter" in options:
            body["logit_bias"] = {str(ord(options["letter"])): 100}
        return body

    own = replace(vision, fields=fields, options=(*vision.options, "known", "letter"), served_by=ANY)
    return replace(DEEPSEEK_OCR, vision=own)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=sorted(KINDS))
async def runtime(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[OpenAiRuntime]:
    weights: Path = tmp_path_factory.mktemp("tiny-deepseek-ocr")
    make_deepseek_ocr(weights)
    given = order("deepseek-ocr", weights, server_flags=SMALL_MACHINE)
    started = KINDS[request.param](_engine(), given, tmp_path_factory.mktemp(request.param))
    await started.start()
    yield started
    await started.close()
    assert not processes_of(weights), "a process of the server outlived it"


async def test_a_grounded_answer_becomes_blocks_with_places(runtime: OpenAiRuntime) -> None:
    read = await runtime.ask(page(known=GROUNDED), 600.0)
    assert (read.raw, read.finish, read.markup_problem) == (GROUNDED, "stop", None)
    assert [(block.label, block.text) for block in read.blocks] == [
        ("title", "# Dahir du 12 juin 1914"),
        ("text", "relatif à l'immatriculation"),
    ]
    assert read.blocks[1].box == pytest.approx((10 / 999, 80 / 999, 1.0, 400 / 999), abs=1e-4)
    assert read.confidence.mean is not None and 0.0 < read.confidence.mean <= 1.0


async def test_a_free_answer_is_text_alone(runtime: OpenAiRuntime) -> None:
    read = await runtime.ask(page(prompt="free", known="Dahir du 12 juin"), 600.0)
    assert (read.text, read.finish, read.markup_problem) == ("Dahir du 12 juin", "stop", None)


async def test_a_stretch_comes_no_second_time_where_the_processor_forbids_it(runtime: OpenAiRuntime) -> None:
    """The one letter that is likelier than all else goes on for ever without it."""
    loops = await runtime.ask(page(letter=LETTER, max_tokens=48, ngram_size=0), 600.0)
    assert (loops.raw, loops.finish) == (LETTER * 48, "length")
    kept = await runtime.ask(page(letter=LETTER, max_tokens=48, ngram_size=5), 600.0)
    assert kept.raw is not None and LETTER * 5 in kept.raw
    assert LETTER * 6 not in kept.raw and kept.raw.count(LETTER) > 30


async def test_a_larger_page_is_looked_at_in_pieces_too(runtime: OpenAiRuntime) -> None:
    """Two of 640 pixels beside the whole, ten rows of twenty tokens and a line's end."""
    small = await runtime.ask(page(prompt="free", known="x"), 600.0)
    wide = await runtime.ask(page((1280, 640), prompt="free", known="x"), 600.0)
    assert small.usage.prompt_tokens is not None and wide.usage.prompt_tokens is not None
    assert wide.usage.prompt_tokens - small.usage.prompt_tokens == 10 * (2 * 10 + 1)
