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


def make_tiny(architecture: str, folder: Path) -> Path:
    """The same weights every time."""
    import torch

    torch.manual_seed(7)
    folder.mkdir(parents=True, exist_ok=True)
    ARCHITECTURES[architecture](folder)
    return folder
