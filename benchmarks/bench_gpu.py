"""Chandra's architecture at full size through the runtime `transformers`, on a GPU; not measured without one.

The weights are random, so the text is noise and says nothing of Chandra: what is timed is the work that its
size makes. An answer never ends by itself here; each is cut at ANSWER_TOKENS. The library's own batches wait
for their slowest row, which shows nothing here, where all are of one length.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.bare_generate import BareOrder
from benchmarks.gpu_model import ROPE, TEXT, VISION, make_folder
from benchmarks.result import Result
from bocr_worker.engines.base import Ask, EngineSpec, PageImage
from bocr_worker.engines.vision.base import Answer, Parsed, VisionEngine, served_only
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.transformers.runtime import TransformersRuntime

NAMES = ("gpu.pages_per_s", "gpu.tokens_per_s")

PAGE_PX = (1588, 2246)
"""A4 at 192 dots an inch: how Chandra is shown a page."""

PAGES = 64
ANSWER_TOKENS = 1000
DEADLINE_S = 1800.0


@dataclass(frozen=True)
class Measured:
    """`seconds` are from the first question to the last answer, loading and a first batch left out."""

    pages: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    load_s: float
    batch: int
    peak_gib: float

    @property
    def pages_per_s(self) -> float:
        return self.pages / self.seconds

    @property
    def tokens_per_s(self) -> float:
        return self.completion_tokens / self.seconds


def run() -> list[Result]:
    """Each beside the rate of the library alone, of the same pages in batches of the same size."""
    gpu = _gpu()
    if gpu is None:
        print("gpu: not measured, there is no GPU that torch can use here")
        return []
    measured, bare = measure(PAGES, PAGE_PX, ANSWER_TOKENS, TEXT, VISION, ROPE)
    print(f"gpu: {gpu}; {describe(measured)}")
    pages, tokens = measured.pages_per_s, measured.tokens_per_s
    return [
        Result("gpu.pages_per_s", pages, "pages/s", bare, "higher"),
        Result("gpu.tokens_per_s", tokens, "tokens/s", bare * ANSWER_TOKENS, "higher"),
    ]


def describe(measured: Measured) -> str:
    prompt, answer = measured.prompt_tokens // measured.pages, measured.completion_tokens // measured.pages
    return (
        f"{measured.pages} pages of {prompt} tokens in and {answer} out in {measured.seconds:.1f} s, up to "
        f"{measured.batch} at a time, {measured.peak_gib:.1f} GiB at most, "
        f"loaded in {measured.load_s:.1f} s, random weights"
    )


def _gpu() -> str | None:
    """Its name; torch is asked in a process of its own, so that none of the GPU is taken."""
    if shutil.which("nvidia-smi") is None or importlib.util.find_spec("torch") is None:
        return None
    code = "import torch; print(torch.cuda.get_device_name() if torch.cuda.is_available() else '')"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def measure(
    pages: int,
    size_px: tuple[int, int],
    answer_tokens: int,
    text: dict[str, Any],
    vision: dict[str, Any],
    rope: dict[str, Any],
    **options: Any,
) -> tuple[Measured, float]:
    """Through the runtime as a job has it, and the library's pages a second alone. Raises what the runtime
    raises."""
    with tempfile.TemporaryDirectory(prefix="bocr-bench-gpu-") as name:
        folder = make_folder(Path(name), text, vision, rope)
        said = {"model": str(folder), "random_weights": True, "stop_loops": False, **options}
        order = EngineOrder("chandra-size", "transformers", options=said)
        runtime = TransformersRuntime(_spec(answer_tokens), order, cores=4)
        measured = asyncio.run(_measure(runtime, pages, size_px))
        batch = measured.batch
        return measured, _bare(folder, str(options.get("device", "")), pages, size_px, batch, answer_tokens)


def _bare(
    folder: Path, device: str, pages: int, size_px: tuple[int, int], batch: int, answer_tokens: int
) -> float:
    """Pages a second."""
    files = [folder / f"page-{number}.png" for number in range(pages)]
    for number, file in enumerate(files):
        file.write_bytes(_page(number, size_px).image.encoded)
    order = BareOrder(str(folder), device, [str(file) for file in files], batch, answer_tokens)
    root = Path(__file__).resolve().parent.parent
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.bare_generate", json.dumps(asdict(order))],
        env={**os.environ, "PYTHONPATH": f"{root}:{root / 'worker'}", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said = json.loads(shown.stdout.splitlines()[-1])
    return float(said["pages"] / said["seconds"])


async def _measure(runtime: TransformersRuntime, pages: int, size_px: tuple[int, int]) -> Measured:
    await runtime.start()
    try:
        # With the first batch kernels are chosen, memory is taken, and the batch's size is found.
        await _read(runtime, max(2, runtime.slots // 2), size_px)
        began = time.monotonic()
        answers = await _read(runtime, pages, size_px)
        seconds = time.monotonic() - began
        return Measured(
            pages=pages,
            prompt_tokens=sum(answer.usage.prompt_tokens or 0 for answer in answers),
            completion_tokens=sum(answer.usage.completion_tokens or 0 for answer in answers),
            seconds=seconds,
            load_s=float(runtime.facts["load_s"]),
            batch=sum(lane.size.limit for lane in runtime.lanes),
            peak_gib=sum(lane.peak_bytes for lane in runtime.lanes) / 1024**3,
        )
    finally:
        await runtime.close()


async def _read(runtime: TransformersRuntime, pages: int, size_px: tuple[int, int]) -> list[Recognition]:
    asks = (runtime.ask(_page(number, size_px), DEADLINE_S) for number in range(pages))
    return list(await asyncio.gather(*asks))


def _page(number: int, size_px: tuple[int, int]) -> Ask:
    from PIL import Image, ImageDraw

    image = Image.new("L", size_px, 255)
    draw = ImageDraw.Draw(image)
    for line in range(40, size_px[1] - 40, 32):
        draw.rectangle((40, line, 40 + (number * 37 + line * 53) % (size_px[0] - 80), line + 14), fill=0)
    encoded = io.BytesIO()
    image.save(encoded, "PNG", compress_level=1)
    return Ask(PageImage(encoded.getvalue(), "png", *size_px, 192))


def _spec(answer_tokens: int) -> EngineSpec:
    def parse(answer: Answer) -> Parsed:
        return Parsed(Recognition(answer.text, answer.text, raw=answer.text, finish=answer.finish))

    name = "chandra-size"
    engine = VisionEngine(
        models=(name,),
        prompts={"plain": "OCR this image to HTML."},
        parse=parse,
        sampling=lambda retry: Sampling(max_tokens=answer_tokens),
        native=NativeCall(model_types=("qwen3_vl",), generate_options={"min_new_tokens": answer_tokens}),
    )
    return EngineSpec(
        name=name,
        title="As large as Chandra",
        languages=None,
        dpi=192,
        load=served_only(name),
        check=lambda: None,
        runtime="transformers",
        vision=engine,
    )
