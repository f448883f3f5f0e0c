"""What the makers share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

VOCABULARY = 288
"""256 bytes, and room for special tokens."""

WIDTH = 64
"""Of the language models' layers: one head of 64 is the least that the rotary parts divide."""


def text_config(**more: Any) -> dict[str, Any]:
    """Of a language model in Qwen's manner."""
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 64,
        "max_position_embeddings": 8192,
        **more,
    }


def save(folder: Path, model: Any, tokenizer: Any, images: Any, *, eos: str, pad: str) -> None:
    """`images` is the settings of an image processor, or one that saves itself."""
    import transformers

    number = tokenizer.convert_tokens_to_ids
    model.generation_config = transformers.GenerationConfig(
        eos_token_id=number(eos), pad_token_id=number(pad)
    )
    model.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    if isinstance(images, dict):
        (folder / "preprocessor_config.json").write_text(json.dumps(images))
    else:
        images.save_pretrained(str(folder))


def area_images(kind: str, patch_size: int, **more: Any) -> dict[str, Any]:
    """Settings of a processor that resizes by area."""
    return {
        "image_processor_type": kind,
        "patch_size": patch_size,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "size": {"shortest_edge": 32 * 32, "longest_edge": 256 * 256},
        **more,
    }
