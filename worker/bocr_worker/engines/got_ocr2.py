"""got-ocr2: StepFun's GOT-OCR 2.0, 0.6 billion parameters; English and Chinese above all.

It runs in process alone: no model server knows it. Its processor makes the prompt from what is asked for
(transformers, models/got_ocr2/processing_got_ocr2.py): `markdown` is its formatted output, with LaTeX for
formulas and tables, `text` the plain one. `crop_to_patches` in the options looks at a dense page in pieces.
"""

from __future__ import annotations

from typing import Any

from bocr_worker.engines.vision.base import Options, VisionEngine
from bocr_worker.engines.vision.native import Asking, NativeCall
from bocr_worker.engines.vision.sampling import OptionError, Sampling
from bocr_worker.engines.vision.spec import vision_spec
from bocr_worker.engines.vision.versions import NONE, Versions
from bocr_worker.engines.vision.written import parse_markdown

PROMPTS = {"markdown": "OCR with format: ", "text": "OCR: "}
"""As its processor words them; here for the names and their hashes."""

_SIDE_PX = 1024
"""It sees a square of so many pixels (preprocessor_config.json)."""


def _processor_options(options: Options) -> dict[str, Any]:
    pieces = options.get("crop_to_patches", False)
    if not isinstance(pieces, bool):
        raise OptionError(f"crop_to_patches should be true or false, not {str(pieces)[:40]!r}")
    return {"format": options.get("prompt", "markdown") == "markdown", "crop_to_patches": pieces}


def _sampling(retry: int) -> Sampling:
    return Sampling(temperature=min(0.2 * retry, 0.8), top_p=0.95 if retry else 1.0, max_tokens=4096)


SPEC = vision_spec(
    "got-ocr2",
    "GOT-OCR 2.0",
    VisionEngine(
        models=("stepfun-ai/GOT-OCR-2.0-hf",),
        prompts=PROMPTS,
        parse=parse_markdown,
        sampling=_sampling,
        options=("crop_to_patches",),
        served_by=NONE,
        native=NativeCall(
            model_types=("got_ocr2",),
            versions=Versions(since=(4, 49)),
            asking=Asking.PROCESSOR,
            processor_options=_processor_options,
            stops=("<|im_end|>",),
        ),
        licence="Apache-2.0",
        parameters_b=0.6,
    ),
    dpi=144,
    max_pixels=4 * _SIDE_PX * _SIDE_PX,
    languages=frozenset(["en", "zh"]),
)
