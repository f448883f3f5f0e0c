"""The command line and the environment that a server is started with."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.serving import flags_for
from bocr_worker.engines.vision.versions import Version, parse_version
from bocr_worker.runtimes.openai.gpus import Gpu
from bocr_worker.runtimes.openai.options import OpenAiOptions

_ENTRY = ("-m", "vllm.entrypoints.openai.api_server", "--model", "{model}")
_NET = ("--host", "{host}", "--port", "{port}", "--served-model-name", "{name}", "{flags}")

_NOT_PASSED_ON = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONSAFEPATH", "VLLM_API_KEY")
"""What the worker brings along lies on its own path, and must not stand before the server's libraries."""

_QUIET = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1"}
"""No telemetry from a compute node; the log is complete when a server dies."""


@dataclass(frozen=True)
class Launch:
    """All that is needed to start one server of the job but its port. `name` is what its model is asked for
    by: told to nobody else, so that another's server on a stolen port is not taken for ours."""

    template: tuple[str, ...]
    model: str
    name: str
    flags: tuple[str, ...]
    environment: Mapping[str, str]

    def command(self, port: int) -> tuple[str, ...]:
        known = {
            "{python}": sys.executable,
            "{model}": self.model,
            "{name}": self.name,
            "{host}": "127.0.0.1",
            "{port}": str(port),
        }
        words: list[str] = []
        for word in self.template:
            if word == "{flags}":
                words += self.flags
                continue
            for mark, value in known.items():
                word = word.replace(mark, value)  # noqa: PLW2901 - the word, filled in
            words.append(word)
        return tuple(words)

    @property
    def is_named(self) -> bool:
        """Whether the server was told its name."""
        return any("{name}" in word for word in self.template)


def default_template() -> tuple[str, ...]:
    """`vllm serve` where it lies beside the worker's Python, else the module that it runs: a build under
    another name has a program that asks for the version of `vllm` and ends."""
    program = Path(sys.executable).with_name("vllm")
    serves = program.is_file() and installed_version() is not None
    start = (str(program), "serve", "{model}") if serves else ("{python}", *_ENTRY)
    return (*start, *_NET)


def launch_for(
    engine: VisionEngine,
    options: OpenAiOptions,
    gpus: tuple[Gpu, ...],
    name: str,
    api_key: str,
    environment: Mapping[str, str],
) -> Launch:
    """For the server that gets these GPUs (none: what it finds)."""
    known = [gpu.memory_gib for gpu in gpus if gpu.memory_gib is not None]
    flags = [*flags_for(engine.flags, server_version(options), min(known, default=None))]
    if options.gpus_per_server > 1:
        flags += ["--tensor-parallel-size", str(options.gpus_per_server)]
    passed_on = {key: value for key, value in environment.items() if key not in _NOT_PASSED_ON}
    names = [gpu.name for gpu in gpus if gpu.name is not None]
    if names:
        passed_on["CUDA_VISIBLE_DEVICES"] = ",".join(names)
    return Launch(
        template=options.command or default_template(),
        model=options.model or engine.models[0],
        name=name,
        flags=(*flags, *options.server_flags),
        environment={**_QUIET, **passed_on, "VLLM_API_KEY": api_key, **options.environment},
    )


def server_version(options: OpenAiOptions) -> Version | None:
    """Of vLLM as it will be started, before it can be asked; None where that cannot be told."""
    if options.server_version:
        return parse_version(options.server_version)
    return None if options.command else installed_version()


def installed_version() -> Version | None:
    """Of vLLM beside the worker's Python, by its own name."""
    from importlib import metadata

    try:
        return parse_version(metadata.version("vllm"))
    except metadata.PackageNotFoundError:
        return None


def shares(gpus: tuple[Gpu, ...], options: OpenAiOptions) -> tuple[tuple[Gpu, ...], ...]:
    """The GPUs of each server to start; what does not make up a share is left idle."""
    size = options.gpus_per_server
    chunks = tuple(gpus[start : start + size] for start in range(0, len(gpus) - size + 1, size)) or ((),)
    if not options.servers:
        return chunks
    # More servers than shares: they take turns, as two small models on one large GPU do.
    return tuple(chunks[number % len(chunks)] for number in range(options.servers))
