"""What may be said to an engine that is a library: its options by name, each with the values that it takes.

A library answers an option that it does not know like any other page: it reads on without it. So each engine
declares what it takes, and whatever else is said is refused before a page is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bocr_worker.engines.vision.sampling import OptionError, whole_option

if TYPE_CHECKING:
    from bocr_worker.engines.base import EngineSpec

Check = Callable[[str, Any], Any]
"""Of one option: its name and its value; gives the value back. Raises OptionError."""


def whole(least: int, most: int, but: tuple[int, ...] = ()) -> Check:
    """A whole number within these two, and none of `but`."""

    def check(name: str, value: Any) -> int:
        if value in but and not isinstance(value, bool):
            left_out = " and not ".join(str(each) for each in but)
            raise OptionError(f"{name} should be a whole number from {least} to {most}, and not {left_out}")
        return whole_option(name, value, least, most)

    return check


def number(least: float, most: float) -> Check:
    """A number within these two; a whole one will do."""

    def check(name: str, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not least <= value <= most:
            raise OptionError(f"{name} should be a number from {least:g} to {most:g}, not {_shown(value)}")
        return float(value)

    return check


def one_of(*words: str) -> Check:
    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise OptionError(f"{name} should be one of {', '.join(words)}, not {_shown(value)}")
        return value

    return check


def flag(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise OptionError(f"{name} should be true or false, not {_shown(value)}")
    return value


def text(name: str, value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise OptionError(f"{name} should be a text, not {_shown(value)}")
    return value


def library_problem(spec: EngineSpec, options: Mapping[str, Any]) -> str:
    """Why a library cannot be asked with these options; empty where it can."""
    for name, value in options.items():
        check = spec.options.get(name)
        if check is None:
            return f"the option {_shown(name)} is unknown{_known(str(name), spec.options)}"
        try:
            check(name, value)
        except OptionError as error:
            return str(error)
    return ""


def _known(name: str, options: Mapping[str, Check]) -> str:
    from bocr_worker.engines.vision.base import nearest

    return nearest(name, options) if options else "; it takes none"


def _shown(value: Any) -> str:
    return repr(str(value)[:40])
