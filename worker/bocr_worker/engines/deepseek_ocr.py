"""deepseek-ocr and deepseek-ocr-2: DeepSeek's models, mostly for what another engine failed on.

Prompts, numbers, modes and the n-gram processor's arguments are those of github.com/deepseek-ai/DeepSeek-OCR
(README, config.py, run_dpsk_ocr_pdf.py), of DeepSeek-OCR-2, and of vLLM's recipes for both. A server puts
`<image>` and a new line before the prompt by itself.

Options besides the numbers: `mode` (how many pixels are looked at; only the models' own code in process
listens to it, a server always reads in the default one), `ngram_size` and `window_size` (a stretch of so many
tokens may not come again among so many; 0 for `ngram_size` leaves it out).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from bocr_worker.engines.vision.base import Answer, Options, Parsed, VisionEngine, nearest
from bocr_worker.engines.vision.grounding import MARKUP, ended, parse_grounding
from bocr_worker.engines.vision.native import Asking, Infer, NativeCall
from bocr_worker.engines.vision.sampling import OptionError, Sampling, whole_option
from bocr_worker.engines.vision.serving import ServerFlag
from bocr_worker.engines.vision.spec import vision_spec
from bocr_worker.engines.vision.versions import Version, Versions
from bocr_worker.engines.vision.written import parse_markdown

PROMPTS = {
    "markdown": "<|grounding|>Convert the document to markdown.",
    "lines": "<|grounding|>OCR this image.",
    "free": "Free OCR.",
}
"""`markdown` gives regions with places, `lines` lines with places, `free` the text alone: the one that reads
most of what the others fail on."""

Mode = tuple[int, int, bool]
"""base_size and image_size in pixels, crop_mode."""

MODES: dict[str, Mode] = {
    "gundam": (1024, 640, True),
    "tiny": (512, 512, False),
    "small": (640, 640, False),
    "base": (1024, 1024, False),
    "large": (1280, 1280, False),
}
"""The first is the default: the page in small, and up to six pieces of it in full."""

MODES_2: dict[str, Mode] = {"dynamic": (1024, 768, True)}

NGRAM_SIZE, WINDOW_SIZE = 20, 50
"""For pages of documents; single photographs were given 30 and 90."""

TABLE_CELLS = (128821, 128822)
"""Tokens that may repeat for ever: `<td>` and `</td>`."""

_MODEL_TOKENS = 8192
_IMAGE_TOKENS = 1024
"""At most 903 for six pieces and the whole (vllm/model_executor/models/deepseek_ocr.py), and the prompt: a
server refuses a question that could grow beyond what the model holds."""

_PROCESSOR = "vllm.model_executor.models.deepseek_ocr:NGramPerReqLogitsProcessor"

FLAGS = (
    ServerFlag("--logits_processors", _PROCESSOR),
    ServerFlag("--no-enable-prefix-caching"),
    ServerFlag("--mm-processor-cache-gb", "0"),
    ServerFlag("--max-model-len", str(_MODEL_TOKENS)),
    ServerFlag("--max-num-seqs", "32"),
    ServerFlag("--max-num-seqs", "100", least_gpu_gib=38),
)
"""The processor and the two caches are asked for by vLLM's recipe; 100 at a time is the authors' own."""


def parse(answer: Answer) -> Parsed:
    """An answer without a word on how it ended is whole if it says so itself."""
    answer = ended(answer)
    return parse_markdown(answer) if answer.prompt == "free" else parse_grounding(answer)


def _sampling(retry: int) -> Sampling:
    return Sampling(
        temperature=min(0.2 * retry, 0.8),
        top_p=0.95 if retry else 1.0,
        max_tokens=_MODEL_TOKENS - _IMAGE_TOKENS,
    )


def _mode(modes: dict[str, Mode], options: Options) -> Mode:
    name = options.get("mode", next(iter(modes)))
    if not isinstance(name, str) or name not in modes:
        raise OptionError(f"mode {str(name)[:40]!r} is unknown{nearest(str(name), modes)}")
    return modes[name]


def _fields(modes: dict[str, Mode], version: Version | None, options: Options) -> dict[str, Any]:
    _mode(modes, options)
    size = whole_option("ngram_size", options.get("ngram_size", NGRAM_SIZE), 0, 1000)
    window = whole_option("window_size", options.get("window_size", WINDOW_SIZE), 1, 10_000)
    fields: dict[str, Any] = {"skip_special_tokens": False}
    if size:
        fields["vllm_xargs"] = {
            "ngram_size": size,
            "window_size": window,
            "whitelist_token_ids": list(TABLE_CELLS),
        }
    return fields


def _keywords(modes: dict[str, Mode], options: Options) -> dict[str, Any]:
    """`eval_mode` gives the text back and writes nothing; the other way draws boxes and evaluates answers."""
    base_size, image_size, crop_mode = _mode(modes, options)
    return {
        "base_size": base_size,
        "image_size": image_size,
        "crop_mode": crop_mode,
        "eval_mode": True,
        "save_results": False,
        "test_compress": False,
    }


def _infer(modes: dict[str, Mode]) -> Infer:
    return Infer(partial(_keywords, modes), before="<image>\n")


def _vision(models: tuple[str, ...], modes: dict[str, Mode], native: NativeCall, **more: Any) -> VisionEngine:
    return VisionEngine(
        models=models,
        prompts=PROMPTS,
        parse=parse,
        sampling=_sampling,
        fields=partial(_fields, modes),
        options=("mode", "ngram_size", "window_size"),
        flags=FLAGS,
        markup=MARKUP,
        native=native,
        parameters_b=3.3,
        **more,
    )


DEEPSEEK_OCR = vision_spec(
    "deepseek-ocr",
    "DeepSeek-OCR",
    _vision(
        ("deepseek-ai/DeepSeek-OCR",),
        MODES,
        # No release of transformers knows it. Its own code wants transformers 4.46 and a GPU.
        NativeCall(keep_special=True, infer=_infer(MODES)),
        served_by=Versions(since=(0, 11, 1), before=(0, 30)),
        licence="MIT",
    ),
    dpi=144,
    max_pixels=6_000_000,
    gives_boxes=True,
)

DEEPSEEK_OCR_2 = vision_spec(
    "deepseek-ocr-2",
    "DeepSeek-OCR 2",
    _vision(
        ("deepseek-ai/DeepSeek-OCR-2", "deepseek-community/DeepSeek-OCR-2"),
        MODES_2,
        # The second of the models is the one that transformers knows itself; the first brings its own code.
        NativeCall(
            model_types=("deepseek_ocr2",),
            asking=Asking.TEXT,
            text_before="<image>\n",
            keep_special=True,
            infer=_infer(MODES_2),
        ),
        served_by=Versions(since=(0, 18), before=(0, 30)),
        licence="Apache-2.0",
    ),
    dpi=144,
    max_pixels=6_000_000,
    gives_boxes=True,
)

SPECS = (DEEPSEEK_OCR, DEEPSEEK_OCR_2)
