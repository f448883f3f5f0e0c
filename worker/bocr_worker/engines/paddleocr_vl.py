"""paddleocr-vl: Baidu's PaddleOCR-VL, 0.9 billion parameters, 109 languages.

Prompts and flags are those of vLLM's recipe (recipes, PaddlePaddle/PaddleOCR-VL). The model was made to be
shown one region at a time, found by a layout model of PaddleOCR's; shown a whole page, it reads the text in
order and knows no places. For pages of one column that does; the full pipeline is PaddleOCR's own.
"""

from __future__ import annotations

from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.spec import vision_spec
from bocr_worker.engines.vision.versions import Versions
from bocr_worker.engines.vision.written import parse_markdown

PROMPTS = {
    "text": "OCR:",
    "table": "Table Recognition:",
    "formula": "Formula Recognition:",
    "chart": "Chart Recognition:",
}


def _sampling(retry: int) -> Sampling:
    return Sampling(temperature=min(0.2 * retry, 0.8), top_p=0.95 if retry else 1.0, max_tokens=4096)


SPEC = vision_spec(
    "paddleocr-vl",
    "PaddleOCR-VL",
    VisionEngine(
        models=("PaddlePaddle/PaddleOCR-VL", "PaddlePaddle/PaddleOCR-VL-1.5"),
        prompts=PROMPTS,
        of_parts=frozenset(["table", "formula", "chart"]),
        parse=parse_markdown,
        sampling=_sampling,
        flags=(
            # Its tokenizer and configuration are code beside the weights.
            ServerFlag("--trust-remote-code"),
            ServerFlag("--max-num-batched-tokens", "16384"),
            ServerFlag("--no-enable-prefix-caching"),
            ServerFlag("--mm-processor-cache-gb", "0"),
            ServerFlag("--max-num-seqs", "64"),
        ),
        served_by=Versions(since=(0, 11, 1)),
        native=NativeCall(model_types=("paddleocr_vl",), versions=Versions(since=(5, 0))),
        licence="Apache-2.0",
        parameters_b=0.9,
    ),
    dpi=200,
    max_pixels=4_000_000,
)
