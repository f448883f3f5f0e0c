"""chandra and chandra-1: datalab's models for whole pages with layout, the first choice for most of them.

Prompts and markdown come from their package `chandra-ocr`: 0.2 for Chandra 2 (`chandra`), 0.1.8 for Chandra 1
(`chandra-1`), which older servers can load. Numbers and flags are the packages' own (settings.py,
model/vllm.py, scripts/vllm.py), but for the longest context: an image of 6,291,456 pixels takes 6,144 tokens,
the prompt 1,300 and an answer up to 12,384. That is more than their 18,000, and servers refuse such a page.
The packages also stretch an image to multiples of 28 pixels; the model's processor stretches it again to its
own, so that is left to it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from bocr_worker.engines.base import EngineSpec, EngineUnavailable
from bocr_worker.engines.chandra_answers import LAYOUT, MARKUP, PLAIN, parse_chandra
from bocr_worker.engines.chandra_package import LEAVE_OUT, PackagedPrompts, load_package
from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.spec import missing_for, vision_spec
from bocr_worker.engines.vision.versions import Versions

PACKAGE = "aiohttp>=3.9"
"""What a server is asked with."""

DPI, LEAST_SIDE_PX, MOST_PIXELS = 192, 1024, 6_291_456
LEAST_PIXELS = 3136
MOST_TOKENS = 12_384
_MOST_CONTEXT = 20_480

FLAGS = (
    ServerFlag("--dtype", "bfloat16"),
    ServerFlag("--max-model-len", str(_MOST_CONTEXT)),
    ServerFlag("--gpu-memory-utilization", "0.85"),
    ServerFlag("--enable-prefix-caching"),
    ServerFlag("--limit-mm-per-prompt", '{"image": 1, "video": 0}'),
    # The package's table for GPUs of 24, of 40 and 48, and of 80 GB.
    ServerFlag("--max-num-seqs", "16"),
    ServerFlag("--max-num-seqs", "32", least_gpu_gib=36),
    ServerFlag("--max-num-seqs", "64", least_gpu_gib=70),
    ServerFlag("--max-num-batched-tokens", "2048"),
    ServerFlag("--max-num-batched-tokens", "4096", least_gpu_gib=36),
    ServerFlag("--max-num-batched-tokens", "8192", least_gpu_gib=70),
)
PIXEL_FLAG = ServerFlag(
    "--mm-processor-kwargs", f'{{"min_pixels": {LEAST_PIXELS}, "max_pixels": {MOST_PIXELS}}}'
)


def sampling_1(retry: int) -> Sampling:
    return Sampling(0.3 if retry else 0.0, 0.95 if retry else 0.1, MOST_TOKENS)


def sampling_2(retry: int) -> Sampling:
    return Sampling(min(0.2 * retry, 0.8), 0.95 if retry else 0.1, MOST_TOKENS)


def spec_of(
    name: str, title: str, requirement: str, package_versions: Versions, scale: int, **vision: Any
) -> EngineSpec:
    """`scale` is the last column and row that places are counted in; `vision` is what the models do not
    share."""
    package = cache(lambda: load_package(name, package_versions, requirement))

    def markdown(safe_html: str) -> str:
        try:
            return package().markdown(safe_html)
        except EngineUnavailable:  # nothing is asked without it, but what was asked elsewhere can be read
            return ""

    engine = VisionEngine(
        prompts=PackagedPrompts((LAYOUT, PLAIN), package),
        parse=lambda answer: parse_chandra(answer, scale, markdown),
        markup=MARKUP,
        **{"licence": "OpenRAIL-M", **vision},
    )

    def check() -> EngineUnavailable | None:
        try:
            package()
        except EngineUnavailable as missing:
            return missing
        return missing_for(name, engine)

    plain = vision_spec(name, title, engine, dpi=DPI, max_pixels=MOST_PIXELS, gives_boxes=True)
    return replace(
        plain,
        least_side_px=LEAST_SIDE_PX,
        check=check,
        packages=(requirement, PACKAGE),
        leave_out=LEAVE_OUT,
    )


CHANDRA_2 = spec_of(
    "chandra",
    "Chandra 2",
    "chandra-ocr>=0.2,<0.3",
    Versions(since=(0, 2), before=(0, 3)),
    1000,
    models=("datalab-to/chandra-ocr-2",),
    sampling=sampling_2,
    flags=(*FLAGS, PIXEL_FLAG),
    served_by=Versions(since=(0, 17)),
    native=NativeCall(
        model_types=("qwen3_5",),
        versions=Versions(since=(5, 2)),
        least_pixels=LEAST_PIXELS,
        most_pixels=MOST_PIXELS,
    ),
    parameters_b=5.0,
)

CHANDRA_1 = spec_of(
    "chandra-1",
    "Chandra 1",
    "chandra-ocr>=0.1.8,<0.2",
    Versions(since=(0, 1, 8), before=(0, 2)),
    1024,
    models=("datalab-to/chandra",),
    sampling=sampling_1,
    flags=FLAGS,
    served_by=Versions(since=(0, 11)),
    native=NativeCall(
        model_types=("qwen3_vl",),
        versions=Versions(since=(4, 57)),
        least_pixels=LEAST_PIXELS,
        most_pixels=MOST_PIXELS,
    ),
    parameters_b=9.0,
)

SPECS = (CHANDRA_2, CHANDRA_1)
