"""InternVL: an image in squares of equal size, each with the same number of tokens."""

from __future__ import annotations

import json
from pathlib import Path

from tests.worker.tiny_models.parts import save, text_config
from tests.worker.tiny_models.tokenizer import chat_template, make_tokenizer

_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_SIDE_PX, _PATCH_PX = 56, 14


def make_internvl(folder: Path) -> None:
    import transformers

    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    tokenizer = make_tokenizer((_PAD, _START, _END, *named.values()), eos=_END, pad=_PAD, named=named)
    tokenizer.chat_template = chat_template("<IMG_CONTEXT>\n", _START, _END)
    tokens = (_SIDE_PX // _PATCH_PX // 2) ** 2
    config = transformers.InternVLConfig(
        text_config=text_config(model_type="qwen2"),
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": [_SIDE_PX, _SIDE_PX],
            "patch_size": [_PATCH_PX, _PATCH_PX],
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=tokens,
    )
    model = transformers.InternVLForConditionalGeneration(config)
    images = {
        "image_processor_type": "GotOcr2ImageProcessor",
        "size": {"height": _SIDE_PX, "width": _SIDE_PX},
        "crop_to_patches": True,
    }
    save(folder, model, tokenizer, images, eos=_END, pad=_PAD)
    settings = {"processor_class": "InternVLProcessor", "image_seq_length": tokens}
    (folder / "processor_config.json").write_text(json.dumps(settings))
