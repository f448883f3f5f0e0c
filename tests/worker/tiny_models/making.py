"""From an architecture's name to a folder with weights, tokenizer and processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.worker.tiny_models import internvl, others, qwen

ARCHITECTURES: dict[str, Callable[[Path], None]] = {
    "qwen3_vl": qwen.make_qwen3_vl,
    "qwen3_5": qwen.make_qwen3_5,
    "qwen2_5_vl": qwen.make_qwen2_5_vl,
    "glm_ocr": qwen.make_glm_ocr,
    "paddleocr_vl": qwen.make_paddleocr_vl,
    "got_ocr2": others.make_got_ocr2,
    "deepseek_ocr2": others.make_deepseek_ocr2,
    "lighton_ocr": others.make_lighton_ocr,
    "internvl": internvl.make_internvl,
}


_CLASSES = {
    "qwen3_vl": "Qwen3VLForConditionalGeneration",
    "qwen3_5": "Qwen3_5ForConditionalGeneration",
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
    "glm_ocr": "GlmOcrForConditionalGeneration",
    "paddleocr_vl": "PaddleOCRVLForConditionalGeneration",
    "got_ocr2": "GotOcr2ForConditionalGeneration",
    "deepseek_ocr2": "DeepseekOcr2ForConditionalGeneration",
    "lighton_ocr": "LightOnOcrForConditionalGeneration",
    "internvl": "InternVLForConditionalGeneration",
}


def is_known(architecture: str) -> bool:
    """Whether this release of transformers has it."""
    import transformers

    return hasattr(transformers, _CLASSES[architecture])


def make_tiny(architecture: str, folder: Path) -> Path:
    """The same weights every time."""
    import torch

    torch.manual_seed(7)
    folder.mkdir(parents=True, exist_ok=True)
    ARCHITECTURES[architecture](folder)
    return folder
