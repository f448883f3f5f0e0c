"""A model's own code for vLLM, as DeepSeek-OCR brings it for releases that do not know it.

Its modules read their settings from a module `config` that is edited by hand; here it is made instead. That
the folder's code is run at all, the order said by naming it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

ARCHITECTURE = "DeepseekOCRForCausalLM"
_MODULE = "deepseek_ocr"


class NoSuchCode(Exception):
    """The folder is not what was meant."""


def prepare_environment() -> None:
    """Before vLLM is imported: the code is written for its first engine."""
    os.environ["VLLM_USE_V1"] = "0"


def register(folder: str, model: str, sizes: tuple[int, int, bool]) -> Callable[[Any], Any]:
    """Make vLLM know the model. Returns what turns an RGB image into what the engine is given. `sizes` are
    base_size and image_size in pixels, and crop_mode. Raises NoSuchCode."""
    path = Path(folder).expanduser()
    if not (path / f"{_MODULE}.py").is_file():
        raise NoSuchCode(f"{folder} has no {_MODULE}.py: name the folder DeepSeek-OCR-vllm of its repository")
    from transformers import AutoTokenizer
    from vllm.model_executor.models.registry import ModelRegistry

    sys.modules["config"] = _config(
        model, sizes, AutoTokenizer.from_pretrained(model, trust_remote_code=True)
    )
    sys.path.append(str(path))
    from importlib import import_module

    ModelRegistry.register_model(ARCHITECTURE, getattr(import_module(_MODULE), ARCHITECTURE))
    processor = import_module("process.image_process").DeepseekOCRProcessor()

    def features(image: Any) -> Any:
        return processor.tokenize_with_images(images=[image], bos=True, eos=True, cropping=sizes[2])

    return features


def _config(model: str, sizes: tuple[int, int, bool], tokenizer: Any) -> ModuleType:
    made = ModuleType("config")
    values = {
        "BASE_SIZE": sizes[0],
        "IMAGE_SIZE": sizes[1],
        "CROP_MODE": sizes[2],
        "MIN_CROPS": 2,
        "MAX_CROPS": 6,
        "MAX_CONCURRENCY": 100,
        "NUM_WORKERS": 1,
        "PRINT_NUM_VIS_TOKENS": False,
        "SKIP_REPEAT": True,
        "MODEL_PATH": model,
        "INPUT_PATH": "",
        "OUTPUT_PATH": "",
        "PROMPT": "",
        "TOKENIZER": tokenizer,
    }
    for name, value in values.items():
        setattr(made, name, value)
    return made
