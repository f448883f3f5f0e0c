"""Engines run by vLLM's engine itself, in a process of ours for each GPU instead of vLLM's own server.

A release of vLLM whose server cannot load a model may still run it: with code that is registered before the
engine is built, and logits processors that are Python objects. The process speaks a server's language
(serve.py), so that all that is known of keeping servers alive and full holds for it, too.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from bocr_worker.engines.base import EngineSpec
from bocr_worker.engines.vision.native import Asking, NativeCall
from bocr_worker.engines.vision.sampling import OptionError
from bocr_worker.engines.vision.versions import Version
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.options import SERVER_OPTIONS
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime

_NOT_HERE = ("url", "api_key_env", "command", "stream")

VLLM_OPTIONS = ("code", *(name for name in SERVER_OPTIONS if name not in _NOT_HERE))
"""What an order may say beyond how a page is read. `code`: the folder of the model's own code for vLLM, which
is run; of deepseek-ocr, the folder DeepSeek-OCR-vllm of its repository."""

_ROOT = Path(__file__).resolve().parents[3]
_START = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from bocr_worker.runtimes.vllm.serve import main; sys.exit(main())"
)
"""The worker's folder stands last: what it brings must not come before vLLM's own libraries."""


class VllmRuntime(OpenAiRuntime):
    """Fulfils runtimes/base.Runtime."""

    def __init__(self, spec: EngineSpec, order: EngineOrder, run_folder: Path) -> None:
        """Raises RuntimeBroken for options that cannot be meant."""
        super().__init__(spec, _order_of_servers(spec, order), run_folder)

    def _check_version(self, version: Version | None) -> None:
        """Which models the server of this version can load does not matter here."""
        self._version = version


def _order_of_servers(spec: EngineSpec, order: EngineOrder) -> EngineOrder:
    options = dict(order.options)
    for name in ("url", "command", "api_key_env"):
        if name in options:
            raise RuntimeBroken(f"engine {spec.name}: runtime vllm starts its own process: leave out {name}")
    if options.get("stream"):
        raise RuntimeBroken(f"engine {spec.name}: runtime vllm does not stream answers: leave out stream")
    code = options.pop("code", "")
    if not isinstance(code, str) or "\0" in code:
        raise RuntimeBroken(f"engine {spec.name}: code should be a folder, not {str(code)[:40]!r}")
    native = spec.vision.native if spec.vision is not None else None
    try:
        words = [*_asking(native), *(_own_code(native, code, order.options) if code else [])]
    except OptionError as error:
        raise RuntimeBroken(f"engine {spec.name}: {error}") from None
    net = ["--host", "{host}", "--port", "{port}", "--served-model-name", "{name}", "--model", "{model}"]
    options["command"] = [sys.executable, "-c", _START, str(_ROOT), *net, *words, "--", "{flags}"]
    options.setdefault("server_version", _version_here())
    return replace(order, options=options)


def _asking(native: NativeCall | None) -> list[str]:
    """How a prompt becomes what the model is given: by its chat template, or from a text."""
    if native is None:
        return []
    if native.asking is Asking.TEXT:
        return ["--before", native.text_before, "--after", native.text_after]
    return ["--before", native.infer.before] if native.infer is not None else []


def _own_code(native: NativeCall | None, code: str, options: Any) -> list[str]:
    infer = native.infer if native is not None else None
    keywords = infer.keywords(options) if infer is not None else {}
    sizes = [str(int(keywords.get(name, 0))) for name in ("base_size", "image_size", "crop_mode")]
    return ["--code", code, "--sizes", ",".join(sizes)]


def _version_here() -> str:
    try:
        return metadata.version("vllm")
    except metadata.PackageNotFoundError:
        return ""
