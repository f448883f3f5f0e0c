"""An engine for tests that a server is asked with: two prompts, a parser for each of the stand-in's forms."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bocr_worker.engines.base import Ask, EngineSpec, PageImage
from bocr_worker.engines.vision.base import Answer, Parsed, VisionEngine, served_only
from bocr_worker.engines.vision.grounding import MARKUP, parse_grounding
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.written import parse_markdown
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime

SHORT_S, LONG_S = 0.3, 30.0


def parse(answer: Answer) -> Parsed:
    return parse_grounding(answer) if answer.prompt == "grounded" else parse_markdown(answer)


VISION = VisionEngine(
    models=("stand-in",),
    prompts={"plain": "Read this page.", "grounded": "Read this page, with places."},
    parse=parse,
    sampling=lambda retry: Sampling(temperature=0.2 * retry, max_tokens=4000),
    flags=(ServerFlag("--max-num-seqs", "4"),),
    markup=MARKUP,
)

SPEC = EngineSpec(
    name="standin",
    title="A stand-in",
    languages=None,
    dpi=144,
    load=served_only("standin"),
    check=lambda: None,
    runtime="openai",
    vision=VISION,
)

QUICK: dict[str, Any] = {"backoff_s": 0.001, "watch_s": 0.02}
"""Times that suit a test: nothing here waits for a real model."""


def runtime_at(*urls: str, run_folder: Path = Path(), **options: Any) -> OpenAiRuntime:
    """For servers that run already."""
    return OpenAiRuntime(SPEC, EngineOrder("standin", options={**QUICK, "url": urls, **options}), run_folder)


@asynccontextmanager
async def running(runtime: OpenAiRuntime) -> AsyncIterator[OpenAiRuntime]:
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.close()


def page(number: int = 0, **options: Any) -> Ask:
    image = PageImage(f"image {number}".encode(), "png", 100, 100, 72)
    return Ask(image, ("fr",), options=options)


def image_hash(number: int) -> str:
    return hashlib.sha256(f"image {number}".encode()).hexdigest()


def with_vision(**changes: Any) -> EngineSpec:
    return replace(SPEC, vision=replace(VISION, **changes))


async def until(true: Any) -> None:
    """Wait for something that happens in other tasks; the test's own timeout is the limit."""
    while not true():
        await asyncio.sleep(0.001)


async def outcomes(runtime: OpenAiRuntime, numbers: range, deadline_s: float = LONG_S) -> list[Any]:
    """What each of these pages got: a recognition, or the error that was raised."""
    asks = (runtime.ask(page(number), deadline_s) for number in numbers)
    return await asyncio.gather(*asks, return_exceptions=True)
