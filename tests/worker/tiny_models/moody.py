"""Models whose own code misbehaves: what a GPU, a kernel or a stranger's code does to a process."""

from __future__ import annotations

import json
from pathlib import Path

from tests.worker.tiny_models.making import make_tiny
from tests.worker.tiny_models.parts import save, text_config
from tests.worker.tiny_models.tokenizer import make_tokenizer

_MOODY = '''
import os
import time

import torch
from transformers import Qwen3VLForConditionalGeneration


class Moody(Qwen3VLForConditionalGeneration):
    """Bears so many rows at a time (MOST), and treats a page of 4 by 4 patches by its mood (MOOD)."""

    def generate(self, **inputs):
        rows = inputs["input_ids"].shape[0]
        if rows > int(os.environ.get("MOST", "100")):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.00 GiB")
        bad = any(grid == [1, 4, 4] for grid in inputs["image_grid_thw"].tolist())
        mood = os.environ.get("MOOD", "")
        if bad and mood == "die":
            os._exit(9)
        if bad and mood == "raise":
            raise ValueError("this page is not to my liking")
        if bad and mood == "greedy":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 900.00 GiB")
        if bad and mood == "lost":
            raise RuntimeError("CUDA error: device-side assert triggered")
        if mood == "slow":
            time.sleep(0.3)
        return super().generate(**inputs)
'''

_OWN = '''
import os
import time

from PIL import Image
from transformers import LlamaConfig, LlamaForCausalLM


class OwnConfig(LlamaConfig):
    model_type = "own_ocr"


class OwnOcr(LlamaForCausalLM):
    """Reads as DeepSeek-OCR does: by a method that takes files, prints, and leaves files behind."""

    config_class = OwnConfig

    def infer(self, tokenizer, prompt="", image_file="", output_path="", base_size=0, eval_mode=False):
        with Image.open(image_file) as image:
            assert image.size[0] > 0 and base_size == 64 and eval_mode
        assert prompt.startswith("<image>")
        print("=" * 40, os.listdir(output_path))
        if "die" in prompt:
            os._exit(9)
        if "raise" in prompt:
            raise KeyError("spoons")
        if "quiet" in prompt:
            return "text out of nowhere"
        ids = tokenizer(prompt, return_tensors="pt").input_ids.to(self.device)
        written = self.generate(
            ids, eos_token_id=tokenizer.eos_token_id, max_new_tokens=24, do_sample=False
        )
        text = tokenizer.decode(written[0, ids.shape[1]:])
        print(text)
        if "file" in prompt:
            with open(os.path.join(output_path, "result.mmd"), "w") as stream:
                stream.write("left behind")
            return None
        return text
'''


def make_moody(folder: Path) -> Path:
    """A tiny Qwen3-VL with code beside its weights."""
    make_tiny("qwen3_vl", folder)
    (folder / "modeling_moody.py").write_text(_MOODY)
    _point_to_code(folder, {"AutoModelForImageTextToText": "modeling_moody.Moody"})
    return folder


def make_own(folder: Path) -> Path:
    """A model that no release of transformers knows."""
    import torch
    import transformers

    torch.manual_seed(7)
    folder.mkdir(parents=True, exist_ok=True)
    end, pad = "<end>", "<pad>"
    tokenizer = make_tokenizer((pad, end, "<image>"), eos=end, pad=pad)
    config = transformers.LlamaConfig(**text_config(bos_token_id=None, eos_token_id=257, pad_token_id=256))
    save(folder, transformers.LlamaForCausalLM(config), tokenizer, {}, eos=end, pad=pad)
    (folder / "modeling_own.py").write_text(_OWN)
    auto = {"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnOcr"}
    _point_to_code(folder, auto, model_type="own_ocr", architectures=["OwnOcr"])
    return folder


def _point_to_code(folder: Path, auto_map: dict[str, str], **more: object) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, **more, "auto_map": auto_map}))
