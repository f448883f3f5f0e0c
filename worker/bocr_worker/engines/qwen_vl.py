"""qwen2.5-vl and qwen3-vl: Alibaba's general models, which read documents among other things.

`html` and Qwen3-VL's `markdown` are forms that they were taught for documents (github.com/QwenLM/Qwen3-VL,
cookbooks/document_parsing.ipynb, and the one of Qwen2.5-VL before it). In `html` each element has a place:
thousandths of the image for Qwen3-VL, pixels of the image as the model saw it for Qwen2.5-VL. `text` is a
prompt of our own for what both forms fail on. The sizes in pixels are those of the cookbook.

They recommend sampling at temperature 0.7 with top_p 0.8 and top_k 20 (model card of Qwen3-VL-8B-Instruct);
the first try is greedy all the same, so that a page reads the same twice, and later ones use these.
"""

from __future__ import annotations

import json
from typing import Any

from bocr_worker.engines.base import EngineSpec
from bocr_worker.engines.vision.base import Answer, Parsed, VisionEngine
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.placed_html import MARKUP, parse_placed_html
from bocr_worker.engines.vision.resizing import snapped_size
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.spec import vision_spec
from bocr_worker.engines.vision.versions import Version, Versions
from bocr_worker.engines.vision.written import parse_markdown, without_places

TEXT_PROMPT = (
    "Transcribe all the text of this page in its reading order and in its own language and script. Write "
    "headings, lists and tables as Markdown. Write nothing that does not stand on the page."
)

_THOUSANDTHS = (1000, 1000)
_FACTOR_2_5, _FACTOR_3 = 28, 32
"""Pixels on a side of what becomes one token."""

_LEAST_TOKENS, _MOST_TOKENS = 512, 2048
"""Of an image."""


def parse_qwen3(answer: Answer) -> Parsed:
    if answer.prompt == "html":
        return parse_placed_html(answer, _THOUSANDTHS)
    return parse_markdown(without_places(answer))


def parse_qwen2_5(answer: Answer) -> Parsed:
    if answer.prompt != "html":
        return parse_markdown(answer)
    size = snapped_size(
        (answer.image.width_px, answer.image.height_px),
        _FACTOR_2_5,
        _LEAST_TOKENS * _FACTOR_2_5**2,
        _MOST_TOKENS * _FACTOR_2_5**2,
    )
    return parse_placed_html(answer, size)


def _sampling(retry: int) -> Sampling:
    if retry == 0:
        return Sampling(max_tokens=8192)
    return Sampling(temperature=0.7, top_p=0.8, max_tokens=8192, top_k=20)


def _flags(factor: int) -> tuple[ServerFlag, ...]:
    pixels = {"min_pixels": _LEAST_TOKENS * factor**2, "max_pixels": _MOST_TOKENS * factor**2}
    return (
        ServerFlag("--max-model-len", "16384"),
        ServerFlag("--limit-mm-per-prompt", '{"image": 1, "video": 0}'),
        ServerFlag("--mm-processor-kwargs", json.dumps(pixels)),
        ServerFlag("--max-num-seqs", "16"),
        ServerFlag("--max-num-seqs", "32", least_gpu_gib=38),
        ServerFlag("--max-num-seqs", "64", least_gpu_gib=76),
    )


def _spec(
    name: str, title: str, factor: int, model_types: tuple[str, ...], since: Version, **vision: Any
) -> EngineSpec:
    """`since`: the first release of transformers that has the model."""
    return vision_spec(
        name,
        title,
        VisionEngine(
            sampling=_sampling,
            flags=_flags(factor),
            markup=MARKUP,
            native=NativeCall(
                model_types=model_types,
                versions=Versions(since=since),
                least_pixels=_LEAST_TOKENS * factor**2,
                most_pixels=_MOST_TOKENS * factor**2,
            ),
            licence="Apache-2.0",
            **vision,
        ),
        dpi=200,
        max_pixels=_MOST_TOKENS * factor**2,
        gives_boxes=True,
    )


QWEN2_5_VL = _spec(
    "qwen2.5-vl",
    "Qwen2.5-VL",
    _FACTOR_2_5,
    ("qwen2_5_vl",),
    (4, 49),
    models=("Qwen/Qwen2.5-VL-7B-Instruct",),
    prompts={"html": "QwenVL HTML", "text": TEXT_PROMPT},
    parse=parse_qwen2_5,
    served_by=Versions(since=(0, 7, 2)),
    parameters_b=8.3,
)

QWEN3_VL = _spec(
    "qwen3-vl",
    "Qwen3-VL",
    _FACTOR_3,
    ("qwen3_vl", "qwen3_vl_moe"),
    (4, 57),
    models=("Qwen/Qwen3-VL-8B-Instruct",),
    prompts={"html": "qwenvl html", "markdown": "qwenvl markdown", "text": TEXT_PROMPT},
    parse=parse_qwen3,
    served_by=Versions(since=(0, 11)),
    parameters_b=8.8,
)

SPECS = (QWEN2_5_VL, QWEN3_VL)
