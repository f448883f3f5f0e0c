"""How a model picks its words: an engine's own numbers, changed by a variation's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


class OptionError(ValueError):
    """An option that cannot be meant: says which, and what it may be."""


@dataclass(frozen=True)
class Sampling:
    """`temperature` 0 is greedy: the same answer every time. `seed` None leaves the server its own."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 8192
    seed: int | None = None

    def fields(self) -> dict[str, Any]:
        """As a request's body names them."""
        fields: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
        }
        return fields if self.seed is None else {**fields, "seed": self.seed}


SAMPLING_OPTIONS = ("temperature", "top_p", "max_tokens", "seed")

_MOST_TOKENS = 200_000


def sampling_from(base: Sampling, options: Mapping[str, Any]) -> Sampling:
    """`base` with what the options say. Raises OptionError."""
    changes: dict[str, Any] = {}
    for name, least, most in (("temperature", 0.0, 2.0), ("top_p", 1e-6, 1.0)):
        if name in options:
            changes[name] = _number(name, options[name], least, most)
    for name, least_whole, most_whole in (("max_tokens", 1, _MOST_TOKENS), ("seed", 0, 1 << 62)):
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
