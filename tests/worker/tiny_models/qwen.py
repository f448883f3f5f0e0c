"""Architectures that see an image as a grid of patches, merged two by two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.worker.tiny_models.parts import WIDTH, area_images, save, text_config
from tests.worker.tiny_models.tokenizer import chat_template, make_tokenizer

_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_NAMED = {
    "image_token": "<|image_pad|>",
    "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>",
    "vision_end_token": "<|vision_end|>",
}
_IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"


def _tokenizer() -> Any:
    tokenizer = make_tokenizer((_PAD, _START, _END, *_NAMED.values()), eos=_END, pad=_PAD, named=_NAMED)
    tokenizer.chat_template = chat_template(_IMAGE, _START, _END)
    return tokenizer


def _ids(tokenizer: Any) -> dict[str, int]:
    return {f"{name}_id": tokenizer.convert_tokens_to_ids(token) for name, token in _NAMED.items()}


def _mrope(sections: list[int], **more: Any) -> dict[str, Any]:
    """As transformers 5 names it, or as 4 did."""
    import transformers

    said = {"rope_type": "default", "mrope_section": sections, **more}
    if int(transformers.__version__.split(".", 1)[0]) < 5:
        return {"rope_scaling": said, "rope_theta": 10_000.0}
    return {"rope_parameters": {**said, "rope_theta": 10_000.0}}


def make_qwen3_vl(folder: Path) -> None:
    import transformers

    tokenizer = _tokenizer()
    config = transformers.Qwen3VLConfig(
        text_config=text_config(**_mrope([12, 10, 10], mrope_interleaved=True)),
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "patch_size": 16,
            "out_hidden_size": WIDTH,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        **_ids(tokenizer),
    )
    model = transformers.Qwen3VLForConditionalGeneration(config)
    save(folder, model, tokenizer, area_images("Qwen2VLImageProcessor", 16), eos=_END, pad=_PAD)


def make_qwen3_5(folder: Path) -> None:
    import transformers

    tokenizer = _tokenizer()
    config = transformers.Qwen3_5Config(
        text_config=text_config(
            linear_num_key_heads=2,
            linear_num_value_heads=2,
            linear_key_head_dim=32,
            linear_value_head_dim=32,
            layer_types=["linear_attention", "full_attention"],
            **_mrope([4, 2, 2], mrope_interleaved=True, partial_rotary_factor=0.25),
        ),
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "patch_size": 16,
            "out_hidden_size": WIDTH,
            "num_position_embeddings": 64,
        },
        **_ids(tokenizer),
    )
    model = transformers.Qwen3_5ForConditionalGeneration(config)
    save(folder, model, tokenizer, area_images("Qwen2VLImageProcessor", 16), eos=_END, pad=_PAD)


def make_qwen2_5_vl(folder: Path) -> None:
    import transformers

    tokenizer = _tokenizer()
    config = transformers.Qwen2_5_VLConfig(
        text_config=text_config(hidden_size=128, **_mrope([8, 12, 12])),
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "patch_size": 14,
            "out_hidden_size": 128,
            "fullatt_block_indexes": [1],
        },
        **_ids(tokenizer),
    )
    model = transformers.Qwen2_5_VLForConditionalGeneration(config)
    save(folder, model, tokenizer, area_images("Qwen2VLImageProcessor", 14), eos=_END, pad=_PAD)


def make_glm_ocr(folder: Path) -> None:
    import transformers

    named = {
        "image_token": "<|image|>",
        "video_token": "<|video|>",
        "image_start_token": "<|begin_of_image|>",
        "image_end_token": "<|end_of_image|>",
        "video_start_token": "<|begin_of_video|>",
        "video_end_token": "<|end_of_video|>",
    }
    pad, start, end = "<|endoftext|>", "<|user|>", "<|end|>"
    tokenizer = make_tokenizer((pad, start, end, *named.values()), eos=end, pad=pad, named=named)
    tokenizer.chat_template = chat_template("<|begin_of_image|><|image|><|end_of_image|>", start, end)
    config = transformers.GlmOcrConfig(
        text_config=text_config(**_mrope([16, 8, 8])),
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "patch_size": 14,
            "out_hidden_size": WIDTH,
        },
        **{f"{name}_id": tokenizer.convert_tokens_to_ids(token) for name, token in named.items()},
    )
    model = transformers.GlmOcrForConditionalGeneration(config)
    images = area_images("Glm46VImageProcessor", 14, processor_class="Glm46VProcessor")
    save(folder, model, tokenizer, images, eos=end, pad=pad)


def make_paddleocr_vl(folder: Path) -> None:
    import transformers

    tokenizer = _tokenizer()
    config = transformers.PaddleOCRVLConfig(
        text_config=text_config(**_mrope([12, 10, 10]), pad_token_id=256),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "patch_size": 14,
            "image_size": 56,
        },
        **_ids(tokenizer),
    )
    model = transformers.PaddleOCRVLForConditionalGeneration(config)
    images = area_images("PaddleOCRVLImageProcessor", 14, temporal_patch_size=1)
    save(folder, model, tokenizer, images, eos=_END, pad=_PAD)
