"""Reading what an order may say: one value, checked, or an OptionError that names it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bocr_worker.engines.vision.sampling import OptionError

_LONGEST_TEXT = 4096
_MOST_SECONDS = 1e6


def seconds_option(name: str, value: Any, least_s: float) -> float:
    """Raises OptionError."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not least_s <= value <= _MOST_SECONDS:
        raise OptionError(f"{name} should be a number of seconds above 0, not {str(value)[:40]!r}")
    return float(value)


def flag_option(name: str, value: Any) -> bool:
    """Raises OptionError."""
    if not isinstance(value, bool):
        raise OptionError(f"{name} should be true or false, not {str(value)[:40]!r}")
    return value


def text_option(name: str, value: Any) -> str:
    """Raises OptionError."""
    if not isinstance(value, str) or "\0" in value or len(value) > _LONGEST_TEXT:
        raise OptionError(f"{name} should be a text, not {str(value)[:40]!r}")
    return value


def variables_option(name: str, value: Any) -> dict[str, str]:
    """Environment variables by name. Raises OptionError."""
    if not isinstance(value, Mapping):
        raise OptionError(f"{name} should be a table of variables")
    return {text_option(name, key): text_option(name, each) for key, each in value.items()}
