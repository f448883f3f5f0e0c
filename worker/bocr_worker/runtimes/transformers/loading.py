"""From a folder of weights to a model that can be asked; whatever stands in the way, in words."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.vision.versions import parse_version
from bocr_worker.runtimes.transformers.generating import Model, pages_that_fit
from bocr_worker.runtimes.transformers.processors import hide_broken_torchvision, load_processor
from bocr_worker.runtimes.transformers.spelling import Spelling
from bocr_worker.runtimes.transformers.wire import Loaded, Opening

_MOST_ON_A_GPU = 32
_MOST_ON_PROCESSORS = 4
_PROMPT_TOKENS = 4096
"""What a page's image takes, about: six megapixels at 28 by 28 a token are 8,000, two are 2,700."""

_GIB = 1024**3


class _Opened:
    """The folder and what its config.json says."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.folder = _folder(opening)
        self.config = _config(opening.engine, self.folder)
        self.model_type = str(self.config.get("model_type", ""))

    def unavailable(self, cause: str, needs: str) -> EngineUnavailable:
        return EngineUnavailable(self.opening.engine, cause, needs)

    @property
    def weights(self) -> str:
        """Which model this is: its folder, and what its configuration hashes to."""
        digest = hashlib.sha256((self.folder / "config.json").read_bytes()).hexdigest()[:12]
        return f"{self.folder} {digest}"[-500:]


def load(opening: Opening) -> tuple[Model, Loaded]:
    """Raises EngineUnavailable."""
    began = time.monotonic()
    _import_libraries(opening)
    opened = _Opened(opening)
    remote = _needs_remote_code(opened)
    device, dtype = _place(opened)
    try:
        model, tokenizer, processor = _parts(opened, remote, device, dtype)
    except EngineUnavailable:
        raise
    except Exception as error:
        raise _in_words(error, opened) from error
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


def _folder(opening: Opening) -> Path:
    """A folder as it is; a name only where the hub's own cache has it: nothing is downloaded."""
    path = Path(opening.model).expanduser()
    if path.is_dir():
        return path.resolve()
    if not path.is_absolute() and opening.model.count("/") == 1:
        try:
            from huggingface_hub import snapshot_download

            return Path(snapshot_download(opening.model, local_files_only=True))
        except Exception as error:  # noqa: BLE001 - not there, or a cache that is broken: the same to us
            del error
    needs = (
        f"Name the folder of its weights: `model` in [sites.<site>.environments.{opening.engine}]. "
        "Nothing is downloaded on a compute node."
    )
    raise EngineUnavailable(opening.engine, f"there is no folder {opening.model}", needs)


def _config(engine: str, folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError) as error:
        cause = f"{folder}/config.json cannot be read: {error}"
        raise EngineUnavailable(engine, cause, "Name the folder that holds a whole model.") from None
    return record if isinstance(record, dict) else {}


def _needs_remote_code(opened: _Opened) -> bool:
    """Whether the model runs by its own code's method. Raises EngineUnavailable where it cannot run."""
    import transformers

    native, version = opened.opening.native, transformers.__version__
    can_infer = opened.opening.infer is not None
    of_its_kind = opened.model_type in native.model_types or not (native.model_types or can_infer)
    if not (of_its_kind or can_infer):
        cause = f"{opened.folder} holds a model of type {opened.model_type[:60]!r}"
        raise opened.unavailable(cause, f"It reads {' or '.join(native.model_types)}.")
    known = native.versions.holds(parse_version(version)) and hasattr(transformers, native.auto_class)
    if of_its_kind and known:
        return False
    if not can_infer:
        cause = f"transformers {version} cannot load {opened.model_type[:60] or 'its model'}"
        raise opened.unavailable(cause, f"It needs transformers {_wanted(opened)}.")
    if not opened.opening.trust_remote_code:
        cause = f"its model runs only by code that lies beside its weights in {opened.folder}"
        needs = "If you trust that code, set trust_remote_code = true among the engine's options."
        raise opened.unavailable(cause, needs)
    return True


def _wanted(opened: _Opened) -> str:
    """What the engine says, else what the model was saved with."""
    said = str(opened.opening.native.versions)
    saved = opened.config.get("transformers_version")
    if said == "any version" and isinstance(saved, str):
        return f"{saved[:20]} or later, which its files were written with"
    return said


def _place(opened: _Opened) -> tuple[str, Any]:
    import torch

    said = opened.opening
    has_gpu = torch.cuda.is_available()
    if said.device == "cuda" and not has_gpu:
        cause = f"torch {torch.__version__} finds no GPU here"
        raise opened.unavailable(cause, "Ask for one in the job (ngpus=1), or use a torch built for it.")
    device = said.device or ("cuda" if has_gpu else "cpu")
    name = said.dtype or ("bfloat16" if device == "cuda" else "float32")
    return device, getattr(torch, name)


def _parts(opened: _Opened, remote: bool, device: str, dtype: Any) -> tuple[Any, Any, Any]:
    """Model, tokenizer, processor."""
    import transformers

    opening = opened.opening
    trusted = {"trust_remote_code": opening.trust_remote_code}
    auto = opening.infer.auto_class if remote and opening.infer else opening.native.auto_class
    said: dict[str, Any] = {_dtype_word(): dtype, **trusted}
    if opening.attention:
        said["attn_implementation"] = opening.attention
    if device != "cpu" and _has("accelerate"):
        said["device_map"] = {"": device}  # straight onto the GPU, without a copy in the node's memory
    model = getattr(transformers, auto).from_pretrained(str(opened.folder), **said)
    model = model.eval() if "device_map" in said else model.eval().to(device)
    if remote:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(opened.folder), **trusted)
        return model, tokenizer, None
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


def _in_words(error: Exception, opened: _Opened) -> EngineUnavailable:
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"[:500]
    if is_out_of_memory(error):
        needs = f"The weights are {_weights_gib(opened.folder):.1f} GiB: ask for a larger GPU, or a free one."
        return opened.unavailable(f"the memory does not suffice for its model ({said})", needs)
    unknown = "not recognize this architecture" in said or "Unrecognized configuration" in said
    if unknown or "Unrecognized model" in said:
        import transformers

        cause = f"transformers {transformers.__version__} does not know the model type {opened.model_type!r}"
        return opened.unavailable(cause, f"It needs transformers {_wanted(opened)}.")
    if "trust_remote_code" in said:
        cause = f"its model wants to run code that lies beside its weights in {opened.folder}"
        needs = "If you trust that code, set trust_remote_code = true among the engine's options."
        return opened.unavailable(cause, needs)
    return opened.unavailable(
        f"its model cannot be loaded from {opened.folder}: {said}",
        "Look whether the folder is whole and meant for this version of transformers.",
    )


def _weights_gib(folder: Path) -> float:
    files = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    return sum(file.stat().st_size for file in files) / _GIB


def is_out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in said or "can't allocate memory" in said)


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
