"""DeepSeek-OCR, the first: a configuration and a tokenizer, to which a model server makes the weights itself.

Transformers does not know the model, so there is nothing here to save weights with. The two encoders of its
images have fixed sizes (400 million parameters); the language model is a tiny one. The names of the fields
are those of the model's own config.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.worker.tiny_models.parts import WIDTH
from tests.worker.tiny_models.tokenizer import make_tokenizer

_START, _END, _PAD, _IMAGE = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>", "<image>"


def make_deepseek_ocr(folder: Path) -> None:
    tokenizer = make_tokenizer(
        (_START, _END, _PAD, _IMAGE), eos=_END, pad=_PAD, named={"image_token": _IMAGE}
    )
    tokenizer.add_special_tokens({"bos_token": _START})
    tokenizer.save_pretrained(str(folder))
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = {
        "architectures": ["DeepseekOCRForCausalLM"],
        "model_type": "deepseek_vl_v2",
        "torch_dtype": "bfloat16",
        "tile_tag": "2D",
        "global_view_pos": "head",
        "candidate_resolutions": [[1024, 1024]],
        "vision_config": {"model_type": "vision", "model_name": "deeplip_b_l", "image_size": 1024},
        "projector_config": {
            "model_type": "mlp_projector",
            "projector_type": "linear",
            "input_dim": 2048,
            "n_embed": WIDTH,
        },
        "language_config": _language(len(tokenizer), ends),
        **ends,
    }
    (folder / "config.json").write_text(json.dumps(config))


def _language(vocabulary: int, ends: dict[str, int]) -> dict[str, Any]:
    """Of two layers, the second with experts; without the latent attention of the larger models."""
    return {
        "architectures": ["DeepseekV2ForCausalLM"],
        "vocab_size": vocabulary,
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "moe_intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "first_k_dense_replace": 1,
        "n_routed_experts": 4,
        "n_shared_experts": 1,
        "num_experts_per_tok": 2,
        "n_group": 1,
        "topk_group": 1,
        "topk_method": "greedy",
        "use_mla": False,
        "kv_lora_rank": None,
        "q_lora_rank": None,
        "qk_nope_head_dim": 0,
        "qk_rope_head_dim": 0,
        "v_head_dim": 0,
        "max_position_embeddings": 8192,
        "torch_dtype": "bfloat16",
        **ends,
    }
