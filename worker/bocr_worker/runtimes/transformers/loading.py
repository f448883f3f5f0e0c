"""From a folder of weights to a model that can be asked."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.vision.versions import parse_version
from bocr_worker.runtimes.transformers.generating import Model, pages_that_fit
from bocr_worker.runtimes.transformers.opened import Opened, in_words, needs_remote_code
from bocr_worker.runtimes.transformers.processors import hide_broken_torchvision, load_processor
from bocr_worker.runtimes.transformers.spelling import Spelling
from bocr_worker.runtimes.transformers.wire import Loaded, Opening

_MOST_ON_A_GPU = 32
_MOST_ON_PROCESSORS = 4
_PROMPT_TOKENS = 4096
"""What a page's image takes, about: six megapixels at 28 by 28 a token are 8,000, two are 2,700."""


def load(opening: Opening) -> tuple[Model, Loaded]:
    """Raises EngineUnavailable."""
    began = time.monotonic()
    _import_libraries(opening)
    opened = Opened(opening)
    remote = needs_remote_code(opened)
    device, dtype = _place(opened)
    try:
        model, tokenizer, processor = _parts(opened, remote, device, dtype)
    except EngineUnavailable:
        raise
    except Exception as error:
        raise in_words(error, opened) from error
    loaded = Model(
        model=model,
        tokenizer=tokenizer,
        processor=processor,
        native=opening.native,
        spelling=Spelling(tokenizer),
        logprobs=opening.logprobs,
        stop_loops=opening.stop_loops,
    )
    return loaded, Loaded(
        version=_versions(),
        weights=opened.weights,
        device=device,
        dtype=str(dtype).rpartition(".")[2],
        load_s=round(time.monotonic() - began, 3),
        batch_size=1 if remote else opening.batch_size or _likely_batch(model, device, opening),
        takes_batches=not remote,
    )


def _import_libraries(opening: Opening) -> None:
    try:
        import torch

        hide_broken_torchvision()
        import transformers
    except Exception as error:
        cause = f"its libraries cannot be imported here: {type(error).__name__}: {error}"[:500]
        needs = f"Let its environment be one with torch and transformers ({sys.executable} lacks them)."
        raise EngineUnavailable(opening.engine, cause, needs) from error
    if opening.threads:
        torch.set_num_threads(opening.threads)
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()


def _versions() -> str:
    import torch
    import transformers

    return f"transformers {transformers.__version__}, torch {torch.__version__}"


def _place(opened: Opened) -> tuple[str, Any]:
    import torch

    said = opened.opening
    has_gpu = torch.cuda.is_available()
    if said.device == "cuda" and not has_gpu:
        cause = f"torch {torch.__version__} finds no GPU here"
        raise opened.unavailable(cause, "Ask for one in the job (ngpus=1), or use a torch built for it.")
    device = said.device or ("cuda" if has_gpu else "cpu")
    name = said.dtype or ("bfloat16" if device == "cuda" else "float32")
    return device, getattr(torch, name)


def _parts(opened: Opened, remote: bool, device: str, dtype: Any) -> tuple[Any, Any, Any]:
    """Model, tokenizer, processor."""
    import transformers

    opening = opened.opening
    trusted = {"trust_remote_code": opening.trust_remote_code}
    auto = opening.infer.auto_class if remote and opening.infer else opening.native.auto_class
    said: dict[str, Any] = {_dtype_word(): dtype, **trusted}
    if opening.attention:
        said["attn_implementation"] = opening.attention
    if opening.random_weights:
        model = _at_random(getattr(transformers, auto), opened.folder, device, said)
        return _with_processor(opened, model)
    if device != "cpu" and _has("accelerate"):
        said["device_map"] = {"": device}  # straight onto the GPU, without a copy in the node's memory
    model = getattr(transformers, auto).from_pretrained(str(opened.folder), **said)
    model = model.eval() if "device_map" in said else model.eval().to(device)
    if remote:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(opened.folder), **trusted)
        return model, tokenizer, None
    return _with_processor(opened, model)


def _at_random(auto: Any, folder: Path, device: str, said: dict[str, Any]) -> Any:
    """The architecture of a configuration, made where it will run, not in the node's memory."""
    import torch
    import transformers

    if not hasattr(auto, "from_config"):  # a model's own class; of a configuration the automatic one is told
        auto = transformers.AutoModelForImageTextToText
    config = transformers.AutoConfig.from_pretrained(str(folder))
    with torch.device(device):
        model = auto.from_config(config, **said)
    if (folder / "generation_config.json").is_file():
        model.generation_config = transformers.GenerationConfig.from_pretrained(str(folder))
    return model.eval()


def _with_processor(opened: Opened, model: Any) -> tuple[Any, Any, Any]:
    opening = opened.opening
    processor = load_processor(opened.folder, opening.native, opened.model_type, opening.trust_remote_code)
    tokenizer = getattr(processor, "tokenizer", processor)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer, processor


def _dtype_word() -> str:
    """`dtype` since transformers 4.56, `torch_dtype` before."""
    import transformers

    version = parse_version(transformers.__version__)
    return "dtype" if version is None or version >= (4, 56) else "torch_dtype"


def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def _likely_batch(model: Any, device: str, opening: Opening) -> int:
    if device == "cpu":
        return _MOST_ON_PROCESSORS
    import torch

    free_bytes, _ = torch.cuda.mem_get_info()
    tokens = _PROMPT_TOKENS + opening.answer_tokens
    return min(_MOST_ON_A_GPU, pages_that_fit(free_bytes, _cache_bytes_a_token(model), tokens))


def _cache_bytes_a_token(model: Any) -> int:
    """Keys and values of every layer; 0 where the configuration does not say."""
    config = model.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    layers = getattr(text, "num_hidden_layers", 0) or 0
    heads = getattr(text, "num_attention_heads", 0) or 0
    width = getattr(text, "head_dim", None) or (getattr(text, "hidden_size", 0) // heads if heads else 0)
    shared = getattr(text, "num_key_value_heads", None) or heads
    return int(2 * layers * shared * width * model.dtype.itemsize)
