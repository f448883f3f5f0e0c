"""The folder that a model lies in: what it says of itself, and what keeps it from being loaded, in words."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.vision.versions import parse_version
from bocr_worker.runtimes.transformers.wire import Opening

_GIB = 1024**3


class Opened:
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
        if self.opening.random_weights:
            return "random"
        digest = hashlib.sha256((self.folder / "config.json").read_bytes()).hexdigest()[:12]
        return f"{self.folder} {digest}"[-500:]


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


def needs_remote_code(opened: Opened) -> bool:
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


def _wanted(opened: Opened) -> str:
    """What the engine says, else what the model was saved with."""
    said = str(opened.opening.native.versions)
    saved = opened.config.get("transformers_version")
    if said == "any version" and isinstance(saved, str):
        return f"{saved[:20]} or later, which its files were written with"
    return said


def in_words(error: Exception, opened: Opened) -> EngineUnavailable:
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
