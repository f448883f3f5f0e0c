"""Architectures that see an image as one square, as a square and its pieces, or as it is."""

from __future__ import annotations

from pathlib import Path

from tests.worker.tiny_models.parts import VOCABULARY, WIDTH, save, text_config
from tests.worker.tiny_models.tokenizer import chat_template, make_tokenizer

_PAD, _START, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_SAM = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "window_size": 7,
    "global_attn_indexes": [1],
    "mlp_dim": 32,
}


def make_got_ocr2(folder: Path) -> None:
    import transformers

    image = "<imgpad>"
    special = (_PAD, _START, _END, "<img>", "</img>", image)
    tokenizer = make_tokenizer(special, eos=_END, pad=_PAD, named={"image_token": image})
    config = transformers.GotOcr2Config(
        text_config=text_config(model_type="qwen2"),
        vision_config={**_SAM, "output_channels": 256, "image_size": 1024, "patch_size": 16},
        image_token_index=tokenizer.convert_tokens_to_ids(image),
    )
    model = transformers.GotOcr2ForConditionalGeneration(config)
    images = {
        "image_processor_type": "GotOcr2ImageProcessor",
        "processor_class": "GotOcr2Processor",
        "size": {"height": 1024, "width": 1024},
    }
    save(folder, model, tokenizer, images, eos=_END, pad=_PAD)


def make_deepseek_ocr2(folder: Path) -> None:
    import transformers

    image = "<image>"
    tokenizer = make_tokenizer((_PAD, _START, _END, image), eos=_END, pad=_PAD, named={"image_token": image})
    config = transformers.DeepseekOcr2Config(
        text_config={
            "vocab_size": VOCABULARY,
            "hidden_size": WIDTH,
            "intermediate_size": WIDTH,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "max_position_embeddings": 8192,
            "n_routed_experts": 4,
            "n_shared_experts": 1,
            "num_experts_per_tok": 2,
            "moe_intermediate_size": 32,
            "mlp_layer_types": ["dense", "sparse"],
            "bos_token_id": None,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={
            "sam_config": {**_SAM, "output_channels": 32, "downsample_channels": [32, 32]},
            "encoder_config": {
                "vocab_size": 8,
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "num_key_value_heads": 1,
            },
        },
        image_token_id=tokenizer.convert_tokens_to_ids(image),
    )
    model = transformers.DeepseekOcr2ForConditionalGeneration(config)
    images = {
        "image_processor_type": "DeepseekOcr2ImageProcessor",
        "processor_class": "DeepseekOcr2Processor",
        "size": {"height": 1024, "width": 1024},
        "tile_size": 768,
    }
    save(folder, model, tokenizer, images, eos=_END, pad=_PAD)


def make_lighton_ocr(folder: Path) -> None:
    import transformers

    named = {
        "image_token": "<|image_pad|>",
        "image_break_token": "<|vision_pad|>",
        "image_end_token": "<|vision_end|>",
    }
    tokenizer = make_tokenizer((_PAD, _START, _END, *named.values()), eos=_END, pad=_PAD, named=named)
    tokenizer.chat_template = chat_template("<|image_pad|>", _START, _END)
    config = transformers.LightOnOcrConfig(
        text_config=text_config(model_type="qwen3"),
        vision_config={
            "model_type": "pixtral",
            "hidden_size": 64,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "head_dim": 32,
            "patch_size": 14,
            "image_size": 280,
            "num_channels": 3,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<|image_pad|>"),
        spatial_merge_size=2,
    )
    model = transformers.LightOnOcrForConditionalGeneration(config)
    images = {
        "image_processor_type": "PixtralImageProcessor",
        "processor_class": "LightOnOcrProcessor",
        "patch_size": {"height": 28, "width": 28},
        "size": {"longest_edge": 280},
    }
    save(folder, model, tokenizer, images, eos=_END, pad=_PAD)
