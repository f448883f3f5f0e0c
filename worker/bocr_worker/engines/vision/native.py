"""How a library in process runs an engine's model: what transformers must be told and a server knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bocr_worker.engines.vision.versions import ANY, Versions

Options = Mapping[str, Any]


class Asking(Enum):
    """How the prompt and the image become what the model is given."""

    CHAT = "chat"
    """By the chat template of its processor: one message of the image and then the prompt."""
    TEXT = "text"
    """By its processor from a text, `NativeCall.text_before` + prompt + `text_after`, and the image."""
    PROCESSOR = "processor"
    """By its processor from the image and `NativeCall.processor_options`: the model knows no free prompt."""


def _no_options(options: Options) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Infer:
    """The method that a model's remote code brings along, for what no release of transformers knows:

        model.infer(tokenizer, prompt=before + prompt, image_file=FILE, output_path=FOLDER, **keywords(…))

    It reads the image from a file and gives back the text. What else there is to know of an answer (how it
    ended, its tokens) only the `generate` that it calls on the model can tell. `keywords` must choose the way
    that neither evaluates nor draws what the model wrote.
    """

    keywords: Callable[[Options], dict[str, Any]]
    before: str = ""
    auto_class: str = "AutoModel"
    method: str = "infer"


@dataclass(frozen=True)
class NativeCall:
    """`model_types` are the values of `model_type` in a config.json that the engine understands.
    `auto_class` makes the model, `processor_class` what prepares its input, both of transformers in
    `versions`; other releases need `infer`, which runs the code that lies beside the weights.

    `least_pixels` and `most_pixels` (0: the processor's own) bound what the processor makes of an image.
    `stops` are texts at which the answer ends besides the tokenizer's own end, `keep_special` says that the
    parser wants special tokens in the text, but not the end's own.
    """

    model_types: tuple[str, ...] = ()
    versions: Versions = ANY
    auto_class: str = "AutoModelForImageTextToText"
    processor_class: str = "AutoProcessor"
    asking: Asking = Asking.CHAT
    text_before: str = ""
    text_after: str = ""
    processor_options: Callable[[Options], dict[str, Any]] = _no_options
    generate_options: Mapping[str, Any] = field(default_factory=dict)
    stops: tuple[str, ...] = ()
    keep_special: bool = False
    least_pixels: int = 0
    most_pixels: int = 0
    infer: Infer | None = None
