"""lightonocr: LightOn's LightOnOCR-2, a billion parameters; European languages, French above all.

It is asked with the image alone. Numbers, flags and the size (1540 pixels on the longer side, drawn at 200
dpi) are those of its model card (huggingface.co/lightonai/LightOnOCR-2-1B) and of the script that the uv-
scripts project reads data sets with. The variants that give the places of pictures are not understood here.
"""

from __future__ import annotations

from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.spec import vision_spec
from bocr_worker.engines.vision.versions import Versions
from bocr_worker.engines.vision.written import parse_markdown

LANGUAGES = frozenset(["en", "fr", "de", "es", "it", "nl", "pt", "sv", "da", "zh", "ja"])
"""As its card lists them: no Arabic."""

_LONGER_PX, _SHORTER_PX = 1540, 1089
"""Of an A4 page; what is larger, its processor shrinks."""


def _sampling(retry: int) -> Sampling:
    return Sampling(temperature=min(0.2 + 0.2 * retry, 0.8), top_p=0.9, max_tokens=4096)


SPEC = vision_spec(
    "lightonocr",
    "LightOnOCR 2",
    VisionEngine(
        models=("lightonai/LightOnOCR-2-1B",),
        prompts={"image": ""},
        parse=parse_markdown,
        sampling=_sampling,
        flags=(
            ServerFlag("--max-model-len", "8192"),
            ServerFlag("--limit-mm-per-prompt", '{"image": 1}'),
            ServerFlag("--mm-processor-cache-gb", "0"),
            ServerFlag("--no-enable-prefix-caching"),
            ServerFlag("--max-num-seqs", "64"),
        ),
        served_by=Versions(since=(0, 11, 1)),
        # Its config.json calls itself by the type of its family, for which the automatic classes make another
        # model: so its own classes are named, as in its card.
        native=NativeCall(
            model_types=("lighton_ocr", "mistral3"),
            versions=Versions(since=(5, 0)),
            auto_class="LightOnOcrForConditionalGeneration",
            processor_class="LightOnOcrProcessor",
        ),
        licence="Apache-2.0",
        parameters_b=1.0,
    ),
    dpi=200,
    max_pixels=_LONGER_PX * _SHORTER_PX,
    languages=LANGUAGES,
)
