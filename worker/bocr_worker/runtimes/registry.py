"""From an engine order to the runtime that carries it out."""

from __future__ import annotations

from pathlib import Path

from bocr_worker.engines.base import EngineSpec
from bocr_worker.protocol.manifest import EngineOrder, Limits
from bocr_worker.runtimes.base import Runtime, RuntimeBroken
from bocr_worker.runtimes.inline import InlineRuntime
from bocr_worker.runtimes.local import LocalRuntime
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime
from bocr_worker.runtimes.transformers.runtime import TransformersRuntime
from bocr_worker.runtimes.vllm.runtime import VllmRuntime

RUNTIMES = ("local", "inline", "openai", "transformers", "vllm")
_OF_LIBRARIES = ("local", "inline")


def runtime_for(
    spec: EngineSpec, order: EngineOrder, limits: Limits, cores: int, run_folder: Path = Path()
) -> Runtime:
    """Nothing is started yet. Raises RuntimeBroken for a runtime that does not exist, or for options that it
    does not understand. A model server's log goes into `run_folder`.

    An inline engine that is given options runs in child processes after all: options are how it is made
    slow or deadly, and the worker itself must be neither.
    """
    name = order.runtime or spec.runtime
    if name not in RUNTIMES:
        raise RuntimeBroken(f"there is no runtime {name!r}; known: {', '.join(RUNTIMES)}")
    if name in _OF_LIBRARIES and spec.vision is not None:
        others = ", ".join(each for each in RUNTIMES if each not in _OF_LIBRARIES)
        raise RuntimeBroken(f"engine {spec.name} is a model, which {name} cannot run; known: {others}")
    if name == "inline" and not order.options:
        return InlineRuntime(spec, order, cores)
    if name == "openai":
        return OpenAiRuntime(spec, order, run_folder)
    if name == "vllm":
        return VllmRuntime(spec, order, run_folder)
    if name == "transformers":
        return TransformersRuntime(spec, order, cores)
    return LocalRuntime(spec, order, limits, cores)
