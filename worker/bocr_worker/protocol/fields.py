"""Reading typed fields out of parsed JSON that nobody vouches for."""

from __future__ import annotations

import math
from typing import Any, TypeGuard

from bocr_worker.protocol.errors import ProtocolError

_MISSING: Any = object()


class Fields:
    """A JSON object and the place it came from; every getter checks the type and names the field.

    Each getter tries the usual case first, because a catalog reads millions of these.
    """

    __slots__ = ("_record", "where")

    def __init__(self, record: Any, where: str) -> None:
        if not isinstance(record, dict):
            raise ProtocolError(where, "is no JSON object")
        self._record: dict[str, Any] = record
        self.where = where

    def _get(self, name: str, default: Any) -> Any:
        value = self._record.get(name, _MISSING)
        if value is _MISSING:
            if default is _MISSING:
                raise ProtocolError(self.where, f"{name} is missing")
            return default
        return value

    def _fail(self, name: str, wanted: str, value: Any) -> ProtocolError:
        return ProtocolError(self.where, f"{name} should be {wanted}, not {str(value)[:80]!r}")

    def text(self, name: str, default: str = _MISSING, *, max_length: int = 10_000) -> str:
        value = self._record.get(name, default)
        if type(value) is str and len(value) <= max_length:
            return value
        value = self._get(name, default)
        if not isinstance(value, str) or len(value) > max_length:
            raise self._fail(name, f"a text of at most {max_length} characters", value)
        return value

    def text_or_none(self, name: str, *, max_length: int = 10_000) -> str | None:
        value = self._record.get(name)
        return None if value is None else self.text(name, max_length=max_length)

    def whole(self, name: str, default: int = _MISSING, *, least: int = 0, most: int = 1 << 62) -> int:
        value = self._record.get(name, default)
        if type(value) is int and least <= value <= most:
            return value
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self._fail(name, f"a whole number from {least} to {most}", value)
        return value

    def whole_or_none(self, name: str) -> int | None:
        return None if self._record.get(name) is None else self.whole(name)

    def number(self, name: str, default: float = _MISSING) -> float:
        value = self._record.get(name, default)
        if type(value) is float and math.isfinite(value):
            return value
        value = self._get(name, default)
        if not is_number(value):
            raise self._fail(name, "a finite number", value)
        return float(value)

    def number_or_none(self, name: str) -> float | None:
        return None if self._record.get(name) is None else self.number(name)

    def flag(self, name: str, default: bool = _MISSING) -> bool:
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self._fail(name, "true or false", value)
        return value

    def texts(self, name: str, default: tuple[str, ...] = _MISSING) -> tuple[str, ...]:
        value = self._get(name, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
            raise self._fail(name, "a list of texts", value)
        return tuple(value)

    def items(self, name: str, default: tuple[Any, ...] = _MISSING) -> tuple[Any, ...]:
        value = self._get(name, default)
        if not isinstance(value, (list, tuple)):
            raise self._fail(name, "a list", value)
        return tuple(value)

    def mapping(self, name: str, default: dict[str, Any] = _MISSING) -> dict[str, Any]:
        value = self._record.get(name, default)
        if type(value) is dict:
            return value
        value = self._get(name, default)
        if not isinstance(value, dict):
            raise self._fail(name, "an object", value)
        return value


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a finite number. JSON's whole numbers have no bound, those of a float have."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
