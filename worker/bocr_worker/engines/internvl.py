"""internvl: OpenGVLab's InternVL 3, a general model.

The weights in transformers' own form (`-hf`), which vLLM loads as well (its list of supported models:
`InternVLForConditionalGeneration`); InternVL 2.5 and 3.5 in their authors' form need code from beside the
weights: name them as `model`, and `server_flags = ["--trust-remote-code"]` if you trust them. It was taught
no prompt for documents: ours asks for Markdown.
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
    "markdown": (
        "Convert this page to Markdown. Keep the reading order, the headings, the lists and the tables, and "
        "the page's own language and script. Write the page's text and nothing else."
    ),
    "text": "Read all the text in this image, line by line. Write the text and nothing else.",
}

_TILE_PX, _MOST_TILES = 448, 12
"""It looks at a page in so many squares (transformers, models/internvl)."""


def _sampling(retry: int) -> Sampling:
    return Sampling(temperature=min(0.2 * retry, 0.8), top_p=0.95 if retry else 1.0, max_tokens=8192)


SPEC = vision_spec(
    "internvl",
    "InternVL 3",
    VisionEngine(
        models=("OpenGVLab/InternVL3-8B-hf",),
        prompts=PROMPTS,
        parse=parse_markdown,
        sampling=_sampling,
        flags=(
            ServerFlag("--max-model-len", "16384"),
            ServerFlag("--limit-mm-per-prompt", '{"image": 1, "video": 0}'),
            ServerFlag("--max-num-seqs", "16"),
            ServerFlag("--max-num-seqs", "32", least_gpu_gib=38),
            ServerFlag("--max-num-seqs", "64", least_gpu_gib=76),
        ),
        # The first release after vLLM learned the weights in this form (pull request 23742).
        served_by=Versions(since=(0, 10, 2)),
        native=NativeCall(model_types=("internvl",), versions=Versions(since=(4, 52))),
        licence="see its card",
        parameters_b=7.9,
    ),
    dpi=200,
    max_pixels=_MOST_TILES * _TILE_PX * _TILE_PX,
)
