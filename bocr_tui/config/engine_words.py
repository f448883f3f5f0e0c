"""What an engine needs and reads, in words: for `bocr doctor` and for docs/engines.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bocr_worker.engines.base import EngineSpec

_BYTES_A_PARAMETER = 2
_NAMES = {"ar": "Arabic", "en": "English", "fr": "French", "zh": "Chinese"}
_MOST_NAMED = 4


def reads(spec: EngineSpec) -> str:
    """Which languages, as far as its authors say."""
    if spec.languages is None:
        return "every language"
    named = [name for code, name in _NAMES.items() if code in spec.languages]
    others = len(spec.languages) - len(named)
    if not others or len(spec.languages) <= _MOST_NAMED:
        codes = [code for code in sorted(spec.languages) if code not in _NAMES]
        return ", ".join([*named, *codes])
    return f"{', '.join(named)} and {others} more"


def weights_gb(spec: EngineSpec) -> float | None:
    """Gigabytes of GPU memory for a model's weights alone; None where nobody said, or there are none."""
    if spec.vision is None or not spec.vision.parameters_b:
        return None
    return spec.vision.parameters_b * _BYTES_A_PARAMETER


def runtimes(spec: EngineSpec) -> str:
    """How it can run, the usual way first."""
    from bocr_worker.engines.vision.versions import ANY, NONE

    vision = spec.vision
    if vision is None:
        return spec.runtime
    ways = []
    if vision.served_by != NONE:
        ways.append(f"vLLM {vision.served_by}" if vision.served_by != ANY else "vLLM")
    if vision.native is not None:
        own_code = not vision.native.model_types and vision.native.infer is not None
        ways.append("transformers, with the model's own code" if own_code else "transformers")
    return "; ".join(ways)


def needs(spec: EngineSpec) -> str:
    """In half a sentence; empty for an engine that any machine can run."""
    if spec.vision is None:
        return ""
    size = weights_gb(spec)
    gpu = f"a GPU, {size:.0f} GB for its weights" if size else "a GPU"
    return f"{gpu}; {runtimes(spec)}"
