"""What prepares a model's input, also where torchvision is missing or broken.

Without torchvision transformers cannot make the video part that some processors insist on, and beside
another build of torch an installed torchvision breaks on import. No page is a video: the processor is then
put together from its image part, drawn with Pillow, and its tokenizer.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from pathlib import Path
from typing import Any

from bocr_worker.engines.vision.native import NativeCall


def hide_broken_torchvision() -> None:
    """Before transformers is imported: a torchvision that cannot be imported is as good as none, but the
    library only looks whether it is installed."""
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        return
    except Exception:  # noqa: BLE001 - operators that are missing, libraries that do not load
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        sys.modules["torchvision"] = None  # type: ignore[assignment]


def load_processor(folder: Path, native: NativeCall, model_type: str, trust_remote_code: bool) -> Any:
    """Raises what transformers raises."""
    import transformers

    trusted = {"trust_remote_code": trust_remote_code}
    try:
        processor = getattr(transformers, native.processor_class).from_pretrained(str(folder), **trusted)
    except Exception as error:  # noqa: BLE001 - which error a missing library makes differs by version
        try:
            processor = _put_together(folder, native, model_type, trusted)
        except Exception as second:
            raise error from second  # the first one says more
    _bound_pixels(getattr(processor, "image_processor", None), native)
    return processor


def _put_together(folder: Path, native: NativeCall, model_type: str, trusted: dict[str, Any]) -> Any:
    import transformers

    kind = _processor_class(folder, native, model_type)
    still: Any = type(f"Still{kind.__name__}", (kind,), {"check_argument_for_proper_class": _lets_pass})
    parts: list[Any] = []
    for name in _parts_of(kind):
        if name == "image_processor":
            parts.append(_image_processor(folder, trusted))
        elif name == "tokenizer":
            parts.append(transformers.AutoTokenizer.from_pretrained(str(folder), **trusted))
        else:
            parts.append(None)
    settings, _ = still.get_processor_dict(str(folder))
    made = still.from_args_and_dict(parts, settings)
    return made[0] if isinstance(made, tuple) else made


def _lets_pass(self: Any, argument_name: str, argument: Any) -> Any:
    """Instead of the library's check of a processor's parts: one may be missing, and a tokenizer of another
    name does as well."""
    return type(argument)


def _parts_of(kind: type[Any]) -> list[str]:
    """The names of the parts in the order of the constructor."""
    named = inspect.signature(kind.__init__).parameters
    return [name for name in named if name == "tokenizer" or name.endswith("_processor")]


def _image_processor(folder: Path, trusted: dict[str, Any]) -> Any:
    """The one that draws with Pillow: `backend` since transformers 5, `use_fast` before."""
    import transformers

    modern = int(transformers.__version__.split(".", 1)[0]) >= 5
    with_pillow: dict[str, Any] = {"backend": "pil"} if modern else {"use_fast": False}
    return transformers.AutoImageProcessor.from_pretrained(str(folder), **with_pillow, **trusted)


def _processor_class(folder: Path, native: NativeCall, model_type: str) -> type[Any]:
    """The class that the engine or the folder names, else that of the model's type."""
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    names = [native.processor_class, *_named_in(folder), PROCESSOR_MAPPING_NAMES.get(model_type)]
    for name in names:
        if name and name != "AutoProcessor" and hasattr(transformers, name):
            found: type[Any] = getattr(transformers, name)
            return found
    raise ValueError(f"no processor of {model_type!r} is known to transformers {transformers.__version__}")


def _named_in(folder: Path) -> list[str]:
    found = []
    for file in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        try:
            record = json.loads((folder / file).read_bytes())
        except (OSError, ValueError):
            continue
        name = record.get("processor_class") if isinstance(record, dict) else None
        if isinstance(name, str):
            found.append(name)
    return found


def _bound_pixels(images: Any, native: NativeCall) -> None:
    """How large an image the model may see, where the processor resizes by area."""
    least, most = native.least_pixels, native.most_pixels
    if images is None or not (least or most):
        return
    size = getattr(images, "size", None)
    if isinstance(size, dict) or (size is not None and hasattr(size, "longest_edge")):
        bounds = {
            "shortest_edge": least or size["shortest_edge"],
            "longest_edge": most or size["longest_edge"],
        }
        images.size = bounds if isinstance(size, dict) else type(size)(**bounds)
    for name, value in (("min_pixels", least), ("max_pixels", most)):
        if value and getattr(images, name, None) is not None:
            setattr(images, name, value)
