"""Whether the libraries of an environment can run an engine's model: by their versions, nothing is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bocr_worker.engines.vision.base import VisionEngine
from bocr_worker.engines.vision.versions import NONE, Versions, parse_version

SERVER, IN_PROCESS, TRANSFORMERS = "openai", "vllm", "transformers"

RUNS_BY = {SERVER: ("vllm",), IN_PROCESS: ("vllm",), TRANSFORMERS: ("torch", "transformers")}
"""What each runtime imports, by the names of the packages; the last one's release decides."""

_NAMES = {"vllm": "vLLM", "transformers": "transformers"}

Installed = Callable[[str], "str | None"]
"""From a package's name to its version, None where it is not installed and empty where that is not known."""


@dataclass(frozen=True)
class Fit:
    """`said` names what would run the model. `cause`: why it cannot, empty where it can; `needs`: the next
    step."""

    said: str = ""
    cause: str = ""
    needs: str = ""


def fit_of(vision: VisionEngine, runtime: str, trusts_code: bool, installed: Installed) -> Fit:
    """`runtime` is one of RUNS_BY; `trusts_code`: the code beside the weights may be run."""
    missing = [name for name in RUNS_BY[runtime] if installed(name) is None]
    other = _other(vision, runtime, installed)
    if missing:
        cause = f"{' and '.join(missing)} cannot be found in this environment"
        return Fit(cause=cause, needs=f"Name an environment that has it{other}.")
    package = RUNS_BY[runtime][-1]
    version = installed(package) or ""
    said = f"{_NAMES[package]} {version}".strip()
    if runtime == TRANSFORMERS:
        return _in_process(vision, trusts_code, said, version, other)
    if runtime == SERVER and not _holds(vision.served_by, version):
        wanted = "No release serves it" if vision.served_by == NONE else f"It needs {vision.served_by}"
        return Fit(said, f"{said} cannot serve {vision.models[0]}", f"{wanted}{other}.")
    return Fit(said)


def _in_process(vision: VisionEngine, trusts_code: bool, said: str, version: str, other: str) -> Fit:
    native = vision.native
    if native is None:
        return Fit(said, f"transformers cannot run {vision.models[0]}", f"It needs another runtime{other}.")
    if _knows_by_itself(vision, version):
        return Fit(said)
    if native.infer is None:
        return Fit(said, f"{said} cannot load {vision.models[0]}", f"It needs {native.versions}{other}.")
    if trusts_code:
        return Fit(f"{said}, with the code beside the weights,")
    cause = f"{said} runs {vision.models[0]} only by the code that lies beside its weights"
    return Fit(said, cause, "If you trust that code, set trust_remote_code = true among its options.")


def _knows_by_itself(vision: VisionEngine, version: str) -> bool:
    native = vision.native
    return native is not None and bool(native.model_types) and _holds(native.versions, version)


def _holds(versions: Versions, version: str) -> bool:
    """What says nothing of its version may be any, but for a model that no release knows."""
    known = parse_version(version)
    return versions.holds(known) if known is not None else versions != NONE


def _other(vision: VisionEngine, runtime: str, installed: Installed) -> str:
    """The end of a sentence: which other runtime would do here, if any."""
    for other in (SERVER, TRANSFORMERS):
        versions = [installed(name) for name in RUNS_BY[other]]
        if other == runtime or None in versions:
            continue
        version = versions[-1] or ""
        if _holds(vision.served_by, version) if other == SERVER else _knows_by_itself(vision, version):
            return f', or runtime = "{other}", which can run it here'
    return ""
