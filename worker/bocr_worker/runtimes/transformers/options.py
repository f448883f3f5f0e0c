"""What an engine order may say about the library that its model runs in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bocr_worker.engines.vision.base import nearest
from bocr_worker.engines.vision.sampling import OptionError, whole_option
from bocr_worker.runtimes.plain_options import flag_option, seconds_option, text_option, variables_option


@dataclass(frozen=True)
class TransformersOptions:
    """Of `[engines.<name>.options]`, all that is about the library and not about how a page is read."""

    model: str = ""
    """The folder of the weights; nothing is ever downloaded. Default: the engine's model, where the hub's own
    cache has it."""
    batch_size: int = 0
    """Pages that are read together at most; 0: by the GPU's memory. It is halved whenever the memory does not
    suffice."""
    trust_remote_code: bool = False
    """Whether code that lies beside the weights may be run, for models that need it."""
    device: str = ""
    """`cuda` or `cpu`; left out: a GPU where there is one."""
    dtype: str = ""
    """`bfloat16`, `float16` or `float32`; left out: bfloat16 on a GPU, float32 without."""
    attention: str = ""
    """As transformers names its implementations (`sdpa`, `flash_attention_2`, `eager`); left out: its own
    choice."""
    random_weights: bool = False
    """Measure an architecture whose weights are not there: the folder holds all but them, and what it reads
    is noise."""
    start_deadline_s: float = 900.0
    """For loading the weights: nine gigabytes from a cold network filesystem."""
    restarts: int = 5
    """Times in a row that a process may end without having read a page."""
    logprobs: bool = True
    """Whether the tokens' probabilities are kept, for the confidence."""
    stop_loops: bool = True
    """Whether an answer that goes round in circles is ended early."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for the processes, on top of the job's own."""


_NAMES = {each.name: each for each in fields(TransformersOptions)}
TRANSFORMERS_OPTIONS = tuple(_NAMES)

_CHOICES = {"device": ("", "cuda", "cpu"), "dtype": ("", "bfloat16", "float16", "float32")}
_MOST_AT_ONCE = 1024
_LEAST_SECONDS = 1e-3


def parse_options(options: Mapping[str, Any], others: tuple[str, ...]) -> TransformersOptions:
    """`others` are the names that the engine understands. Raises OptionError, naming the key and, for an
    unknown one, the nearest that there is."""
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name in _NAMES:
            values[name] = _read(name, value)
        elif name not in others:
            known = (*TRANSFORMERS_OPTIONS, *others)
            raise OptionError(f"the option {str(name)[:40]!r} is unknown{nearest(str(name), known)}")
    return TransformersOptions(**values)


def _read(name: str, value: Any) -> Any:
    default = _NAMES[name].default
    if name == "environment":
        return variables_option(name, value)
    if isinstance(default, bool):
        return flag_option(name, value)
    if isinstance(default, int):
        return whole_option(name, value, 0, _MOST_AT_ONCE)
    if isinstance(default, float):
        return seconds_option(name, value, _LEAST_SECONDS)
    text = text_option(name, value)
    if name in _CHOICES and text not in _CHOICES[name]:
        known = " or ".join(choice for choice in _CHOICES[name] if choice)
        raise OptionError(f"{name} should be {known}, not {text[:40]!r}")
    return text
