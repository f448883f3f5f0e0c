"""How a model picks its words: an engine's own numbers, changed by a variation's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


class OptionError(ValueError):
    """An option that cannot be meant: says which, and what it may be."""


@dataclass(frozen=True)
class Sampling:
    """`temperature` 0 is greedy: the same answer every time. What is None is left to the server, and not said
    to it: `top_k` and `repetition_penalty` are no words of every server."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 8192
    seed: int | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None

    def fields(self) -> dict[str, Any]:
        """As a request's body names them."""
        fields: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
        others = {name: getattr(self, name) for name in ("seed", "top_k", "repetition_penalty")}
        return {**fields, **{name: value for name, value in others.items() if value is not None}}


SAMPLING_OPTIONS = ("temperature", "top_p", "max_tokens", "seed", "top_k", "repetition_penalty")

_MOST_TOKENS = 200_000

_NUMBERS = (("temperature", 0.0, 2.0), ("top_p", 1e-6, 1.0), ("repetition_penalty", 0.1, 2.0))
_WHOLES = (("max_tokens", 1, _MOST_TOKENS), ("seed", 0, 1 << 62), ("top_k", 1, 100_000))


def sampling_from(base: Sampling, options: Mapping[str, Any]) -> Sampling:
    """`base` with what the options say. Raises OptionError."""
    changes: dict[str, Any] = {}
    for name, least, most in _NUMBERS:
        if name in options:
            changes[name] = _number(name, options[name], least, most)
    for name, least_whole, most_whole in _WHOLES:
        if name in options:
            changes[name] = whole_option(name, options[name], least_whole, most_whole)
    return replace(base, **changes)


def _number(name: str, value: Any, least: float, most: float) -> float:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
    if not fits:
        raise OptionError(f"{name} should be a number from {least:g} to {most:g}, not {str(value)[:40]!r}")
    return float(value)


def whole_option(name: str, value: Any, least: int, most: int) -> int:
    """Raises OptionError."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise OptionError(f"{name} should be a whole number from {least} to {most}, not {str(value)[:40]!r}")
    return value
