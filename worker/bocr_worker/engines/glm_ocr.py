"""glm-ocr: Z.ai's small model, 0.9 billion parameters.

Prompts, numbers and the resolution are those of its own package (github.com/zai-org/GLM-OCR, README.md and
glmocr/config.yaml). That package cuts a page into regions first, with a model of its own, and asks about
each; here the whole page is asked about, as it does itself with `enable_layout: false`. It has no places
then.
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
    "text": "Text Recognition:",
    "markdown": (
        "Recognize the text in the image and output in Markdown format.\n"
        "Preserve the original layout (headings/paragraphs/tables/formulas).\n"
        "Do not fabricate content that does not exist in the image.\n"
    ),
    "table": "Table Recognition:",
    "formula": "Formula Recognition:",
}

_LEAST_PIXELS = 112 * 112


def _sampling(retry: int) -> Sampling:
    """Greedy at first, so that a page reads the same twice; then the package's own numbers. It gives 4096
    tokens to a region: a page has several."""
    if retry == 0:
        return Sampling(max_tokens=8192, repetition_penalty=1.1)
    return Sampling(temperature=0.8, top_p=0.9, max_tokens=8192, top_k=50, repetition_penalty=1.1)


SPEC = vision_spec(
    "glm-ocr",
    "GLM-OCR",
    VisionEngine(
        models=("zai-org/GLM-OCR",),
        prompts=PROMPTS,
        of_parts=frozenset(["table", "formula"]),
        parse=parse_markdown,
        sampling=_sampling,
        flags=(
            ServerFlag("--max-model-len", "16384"),
            ServerFlag("--limit-mm-per-prompt", '{"image": 1}'),
            ServerFlag("--max-num-seqs", "64"),
        ),
        # The first release of vLLM after its own (pull request 33005), with transformers 5.1 beside it.
        served_by=Versions(since=(0, 16)),
        native=NativeCall(
            model_types=("glm_ocr",), versions=Versions(since=(5, 1)), least_pixels=_LEAST_PIXELS
        ),
        licence="MIT",
        parameters_b=0.9,
    ),
    dpi=200,
    max_pixels=6_000_000,
)
