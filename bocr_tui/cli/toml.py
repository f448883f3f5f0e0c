"""A configuration as TOML. The standard library reads TOML and does not write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"^[A-Za-z0-9_-]+$")


def to_toml(record: Mapping[str, Any]) -> str:
    """Of strings, numbers, booleans, lists and tables; None is left out, as TOML has no word for it."""
    return "\n".join(_table(record, ())).strip() + "\n"


def _table(record: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    lines = [f"[{'.'.join(map(_key, path))}]"] if path and not _holds_only_tables(record) else []
    inner = {name: value for name, value in record.items() if isinstance(value, Mapping) and value}
    for name, value in record.items():
        if name not in inner and value is not None and value != {}:
            lines.append(f"{_key(name)} = {_value(value)}")
    for name, value in inner.items():
        lines += ["", *_table(value, (*path, name))]
    return lines


def _holds_only_tables(record: Mapping[str, Any]) -> bool:
    return bool(record) and all(isinstance(value, Mapping) and value for value in record.values())


def _key(name: str) -> str:
    return name if _BARE.match(name) else _value(name)


def _value(value: Any) -> str:
    """JSON's strings, numbers and booleans are TOML's, but for DEL, which TOML wants escaped."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
