"""rolmocr: Reducto's RolmOCR, Qwen2.5-VL 7B taught to read documents as plain text.

The prompt, the temperature and the number of tokens are those of its model card
(huggingface.co/reducto/RolmOCR); the size in pixels is what the FinePDFs project gave it: at most 2048
image tokens.
"""

from __future__ import annotations

import json

from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.spec import vision_spec
from bocr_worker.engines.vision.versions import Versions
from bocr_worker.engines.vision.written import parse_markdown

PROMPTS = {
    "text": "Return the plain text representation of this document as if you were reading it naturally.\n"
}

_MOST_PIXELS = 2048 * 28 * 28


def _sampling(retry: int) -> Sampling:
    return Sampling(temperature=min(0.2 + 0.2 * retry, 0.8), max_tokens=4096)


SPEC = vision_spec(
    "rolmocr",
    "RolmOCR",
    VisionEngine(
        models=("reducto/RolmOCR",),
        prompts=PROMPTS,
        parse=parse_markdown,
        sampling=_sampling,
        flags=(
            ServerFlag("--max-model-len", "8192"),
            ServerFlag("--limit-mm-per-prompt", '{"image": 1, "video": 0}'),
            ServerFlag("--mm-processor-kwargs", json.dumps({"max_pixels": _MOST_PIXELS})),
            ServerFlag("--max-num-seqs", "16"),
            ServerFlag("--max-num-seqs", "32", least_gpu_gib=38),
            ServerFlag("--max-num-seqs", "64", least_gpu_gib=76),
        ),
        served_by=Versions(since=(0, 7, 2)),
        native=NativeCall(
            model_types=("qwen2_5_vl",), versions=Versions(since=(4, 49)), most_pixels=_MOST_PIXELS
        ),
        licence="Apache-2.0",
        parameters_b=8.3,
    ),
    dpi=144,
    max_pixels=_MOST_PIXELS,
)
