"""Every setting in force, one by one: its value, what it means, what it would be by default, who says so."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import tomllib
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bocr_tui.config.model import Config

HIDDEN = "(not shown)"

_SECRET = re.compile(r"api_?key|token|secret|passw|passphrase|credential", re.IGNORECASE)
_SECRET_SHELL = re.compile(
    r"(?i)\b([\w-]*(?:api_?key|token|secret|passw\w*|credential)[\w-]*\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|\S+)"
)
"""In a shell line: what is given to a variable of such a name."""

_TABLE = re.compile(r"^\s*\[+\s*([^\[\]]+?)\s*\]+\s*(?:#.*)?$")
_ASSIGNED = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")


@dataclass(frozen=True)
class Setting:
    """`key` is its path with dots. `value` and `default` are as TOML writes them, empty where there is none.

    `line` is where bocr.toml says it, from 1; 0: it does not, or not in a way that was found. `choices` are
    what it may be, where that is a list.
    """

    key: str
    value: str
    default: str
    is_set: bool
    line: int
    meaning: str
    kind: str
    choices: tuple[str, ...] = ()


def settings_of(config: Config, text: str) -> list[Setting]:
    """Of a configuration that was read from `text`, in the order of the reference."""
    record = tomllib.loads(text)
    lines = _lines(text)
    return list(_settings(config, record, lines, ()))


def _settings(
    model: BaseModel, record: Mapping[str, Any], lines: Mapping[str, int], path: tuple[str, ...]
) -> Iterator[Setting]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        said = record.get(name)
        inner = said if isinstance(said, Mapping) else {}
        where = (*path, name)
        if isinstance(value, BaseModel):
            yield from _settings(value, inner, lines, where)
        elif _holds_tables(value):
            for key, each in value.items():
                below = inner.get(key)
                yield from _settings(each, below if isinstance(below, Mapping) else {}, lines, (*where, key))
        else:
            yield _setting(name, field, value, name in record, lines, where)


def _holds_tables(value: object) -> bool:
    return isinstance(value, dict) and any(isinstance(each, BaseModel) for each in value.values())


def _setting(
    name: str, field: FieldInfo, value: object, is_set: bool, lines: Mapping[str, int], path: tuple[str, ...]
) -> Setting:
    key = ".".join(path)
    default = field.get_default(call_default_factory=True)
    return Setting(
        key,
        as_toml(value, name),
        as_toml(default, name) if not field.is_required() else "",
        is_set,
        lines.get(key, 0) if is_set else 0,
        " ".join((field.description or "").split()),
        _kind(field.annotation),
        choices_of(field.annotation),
    )


def as_toml(value: object, name: str = "") -> str:
    """As TOML writes it; what is secret by its name is not shown."""
    if value is None:
        return ""
    if name and _SECRET.search(name):
        return HIDDEN if value else '""'
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True)
    if isinstance(value, Mapping):
        inner = (f"{key} = {as_toml(each, str(key))}" for key, each in value.items())
        return f"{{ {', '.join(inner)} }}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(as_toml(each) for each in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        shown = _SECRET_SHELL.sub(rf"\1{HIDDEN}", value)
        return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def choices_of(annotation: Any) -> tuple[str, ...]:
    """What a setting may be, where its type lists it."""
    if annotation is bool:
        return ("true", "false")
    if typing.get_origin(annotation) is Literal:
        return tuple(str(each) for each in typing.get_args(annotation))
    return ()


_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _kind(annotation: Any) -> str:
    """A type in words."""
    choices = choices_of(annotation)
    if choices:
        return f"one of {', '.join(choices)}" if annotation is not bool else _KINDS[bool]
    if annotation in _KINDS:
        return _KINDS[annotation]
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        known = [_kind(each) for each in typing.get_args(annotation) if each is not type(None)]
        return " or ".join(dict.fromkeys(known))
    if origin is tuple:
        return f"a list, each {_kind(typing.get_args(annotation)[0])}"
    return "a table"


def _lines(text: str) -> dict[str, int]:
    """Where each key of a file of tables and plain assignments stands, by its whole path, from 1."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        heading = _TABLE.match(line)
        if heading:
            table = _path(heading[1])
            found.setdefault(table, number)
            continue
        assigned = _ASSIGNED.match(line)
        if assigned:
            key = _path(assigned[1])
            found.setdefault(f"{table}.{key}" if table else key, number)
    return found


def _path(said: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in said.split("."))
