"""Chandra's architecture at its full size, without its weights: what a GPU has to do is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.worker.tiny_models.parts import area_images
from tests.worker.tiny_models.tokenizer import chat_template, make_tokenizer

MOST_PIXELS = 6_291_456
"""As Chandra is shown a page at most (chandra-ocr, settings)."""

TEXT: dict[str, Any] = {
    "vocab_size": 151_936,
    "hidden_size": 4096,
    "intermediate_size": 12_288,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 262_144,
}
VISION: dict[str, Any] = {
    "depth": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_heads": 16,
    "patch_size": 16,
    "out_hidden_size": 4096,
    "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [8, 16, 24],
}
ROPE: dict[str, Any] = {"rope_type": "default", "mrope_section": [24, 20, 20], "mrope_interleaved": True}
ROPE_THETA = 5_000_000.0
"""All as in the config.json of Qwen3-VL-8B, from which Chandra 1 was trained: 8.8 billion parameters."""

_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_NAMED = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}


def make_folder(folder: Path, text: dict[str, Any], vision: dict[str, Any], rope: dict[str, Any]) -> Path:
    """Everything but the weights. The tokenizer knows bytes alone: the vocabulary's size is the model's."""
    import json

    import transformers

    tokenizer = make_tokenizer((_PAD, _START, _END, *_NAMED.values()), eos=_END, pad=_PAD, named=_NAMED)
    image = "<|vision_start|><|image_pad|><|vision_end|>"
    tokenizer.chat_template = chat_template(image, _START, _END)
    modern = int(transformers.__version__.split(".", 1)[0]) >= 5
    turning = (
        {"rope_parameters": {**rope, "rope_theta": ROPE_THETA}}
        if modern
        else {"rope_scaling": rope, "rope_theta": ROPE_THETA}
    )
    number = tokenizer.convert_tokens_to_ids
    config = transformers.Qwen3VLConfig(
        text_config={**text, **turning},
        vision_config=vision,
        **{f"{name}_id": number(token) for name, token in _NAMED.items()},
    )
    config.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    ends = transformers.GenerationConfig(eos_token_id=number(_END), pad_token_id=number(_PAD))
    ends.save_pretrained(str(folder))
    images = area_images("Qwen2VLImageProcessor", 16)
    images["size"] = {"shortest_edge": 3136, "longest_edge": MOST_PIXELS}
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    return folder
