"""An engine for tests that transformers runs: one prompt, and the answer is the text."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from bocr_worker.engines.base import Ask, EngineSpec, PageImage
from bocr_worker.engines.vision.base import Answer, Parsed, VisionEngine, served_only
from bocr_worker.engines.vision.native import Asking, Infer, NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.transformers.runtime import TransformersRuntime
from bocr_worker.runtimes.transformers.wire import Opening, Row

LONG_S = 60.0
BAD = (64, 64)
"""The size in pixels of the page that moody models do not bear."""


def parse(answer: Answer) -> Parsed:
    return Parsed(Recognition(answer.text, answer.text, raw=answer.text, finish=answer.finish))


def native_call(architecture: str) -> NativeCall:
    if architecture == "got_ocr2":
        return NativeCall(model_types=(architecture,), asking=Asking.PROCESSOR)
    if architecture == "deepseek_ocr2":
        return NativeCall(model_types=(architecture,), asking=Asking.TEXT, text_before="<image>\n")
    return NativeCall(model_types=(architecture,))


INFER = NativeCall(infer=Infer(lambda options: {"base_size": 64, "eval_mode": True}, before="<image>\n"))


def spec_for(native: NativeCall, prompts: dict[str, str] | None = None, **vision: Any) -> EngineSpec:
    engine = VisionEngine(
        models=("tiny",),
        prompts=prompts or {"plain": "Read."},
        parse=parse,
        sampling=lambda retry: Sampling(max_tokens=6),
        native=native,
        **vision,
    )
    return EngineSpec(
        name="tiny",
        title="A model far too small",
        languages=None,
        dpi=72,
        load=served_only("tiny"),
        check=lambda: None,
        runtime="transformers",
        vision=engine,
    )


def runtime_of(
    folder: Path,
    native: NativeCall,
    *,
    processes: int = 0,
    prompts: dict[str, str] | None = None,
    **said: Any,
) -> TransformersRuntime:
    options = {"model": str(folder), "device": "cpu", **said}
    order = EngineOrder("tiny", "transformers", processes, 1, options)
    return TransformersRuntime(spec_for(native, prompts), order, cores=1)


@asynccontextmanager
async def running(runtime: TransformersRuntime) -> AsyncIterator[TransformersRuntime]:
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.close()


def picture(width_px: int = 96, height_px: int = 128, mark: int = 0) -> bytes:
    """A page with a bar; `mark` makes it another one."""
    image = Image.new("L", (width_px, height_px), 255)
    ImageDraw.Draw(image).rectangle((8, 8, 40 + mark % 40, 16 + mark % 9), fill=0)
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def page(mark: int = 0, size: tuple[int, int] = (96, 128), **options: Any) -> Ask:
    image = PageImage(picture(*size, mark), "png", *size, 72)
    return Ask(image, ("fr",), options=options)


def opening(folder: Path, native: NativeCall, **said: Any) -> Opening:
    values: dict[str, Any] = {
        "engine": "tiny",
        "model": str(folder),
        "native": native,
        "infer": None,
        "trust_remote_code": False,
        "device": "cpu",
        "dtype": "",
        "attention": "",
        "batch_size": 0,
        "logprobs": True,
        "stop_loops": True,
        "threads": 1,
        "scratch": str(folder),
    }
    return Opening(**{**values, **said})


def row(mark: int = 0, size: tuple[int, int] = (96, 128), deadline_s: float = 60.0, **sampling: Any) -> Row:
    return Row(picture(*size, mark), "Read.", "", Sampling(**{"max_tokens": 6, **sampling}), deadline_s)
