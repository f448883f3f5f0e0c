"""What is wrong with a configuration, in words: the key, the problem, and the nearest thing there is."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bocr_tui.config.errors import ConfigError

REFERENCE = "See docs/configuration.md."

_WORDS = {
    "missing": "must be given",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": 'must be a text, in "quotes"',
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "tuple_type": "must be a list, in [brackets]",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}
"""pydantic's kinds of error that a person meets, in our words."""

_SHOWN_CHARACTERS = 60


def explain(error: ValidationError, model: type[BaseModel], where: str) -> ConfigError:
    """The error to raise for a record that `model` refused; `where` names the file."""
    # Of a value that may be of several kinds, the deepest error is about the kind that was meant; and a
    # misspelt setting is told before the one that it makes missing.
    places = [(_place(model, entry["loc"]), entry) for entry in error.errors()]
    place, first = max(places, key=lambda one: (len(one[0].keys), one[1]["type"] == "extra_forbidden"))
    key = ".".join(place.keys) or "the file"
    if first["type"] == "extra_forbidden":
        return ConfigError(f"{where}: there is no setting {key}.", _belongs(place) or _near_setting(place))
    if first["type"] == "literal_error":
        known = _literals(first["ctx"]["expected"])
        said = f"{where}: {key}: {_shown(first['input'])} is none of {', '.join(known)}."
        return ConfigError(said, _meant(str(first["input"]), known))
    if first["type"] == "string_pattern_mismatch":
        return ConfigError(f"{where}: {key}: {_form(first['input'], place)}.", REFERENCE)
    words = _WORDS.get(first["type"])
    said = words.format(**first.get("ctx", {})) if words else first["msg"].removeprefix("Value error, ")
    return ConfigError(f"{where}: {key}: {said.rstrip('.')}.", REFERENCE)


def nearest(name: str, known: Sequence[str]) -> str:
    """The name that was likely meant, empty when none is near."""
    found = difflib.get_close_matches(name, known, n=1)
    return found[0] if found else ""


def _meant(name: str, known: Sequence[str]) -> str:
    found = nearest(name, known)
    return f"Did you mean {found}?" if found else REFERENCE


@dataclass(frozen=True)
class _Place:
    """Where in the file something is wrong: `keys` as a person wrote them, `tables` that the last key may
    stand in, and the field it names, if any."""

    keys: tuple[str, ...]
    tables: tuple[type[BaseModel], ...]
    field: FieldInfo | None


def _place(model: type[BaseModel], location: Sequence[int | str]) -> _Place:
    """pydantic puts the name of each kind that a value may be of into a location; those are left out, and
    places in lists are counted from 1."""
    found = _Place((), (), None)
    at: Any = model
    for part in location:
        tables = tuple(_tables(at))
        if part in _kinds(at):
            at = next((table for table in tables if table.__name__ == part), str)
            continue
        field = next((one.model_fields[str(part)] for one in tables if part in one.model_fields), None)
        shown = str(part + 1) if isinstance(part, int) else part
        found = _Place((*found.keys, shown), tables, field)
        at = field.annotation if field else _inside(at)
    return found


def _near_setting(place: _Place) -> str:
    return _meant(place.keys[-1], [name for table in place.tables for name in table.model_fields])


def _belongs(place: _Place) -> str:
    """For a setting that stands one table too high, such as a site's queue: where it belongs."""
    *above, name = place.keys
    for table in place.tables:
        for child, field in table.model_fields.items():
            if any(name in inner.model_fields for inner in _tables(field.annotation)):
                return f"It belongs into [{'.'.join((*above, child))}]."
    return ""


def _literals(expected: str) -> list[str]:
    return [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]


def _form(value: object, place: _Place) -> str:
    examples = (place.field.examples if place.field else None) or [""]
    such = f", such as {examples[0]}" if examples[0] else ""
    return f"{_shown(value)} does not have the form that is asked for{such}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def _kinds(annotation: Any) -> set[str]:
    if not _is_union(annotation):
        return set()
    return {getattr(kind, "__name__", "") for kind in typing.get_args(annotation)}


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    """The tables that a value of this annotation may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif _is_union(annotation):
        for kind in typing.get_args(annotation):
            yield from _tables(kind)


def _inside(annotation: Any) -> Any:
    """What a list or table of this annotation holds."""
    kinds = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    for kind in kinds:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is not None and issubclass(origin, Mapping):
            return arguments[1]
        if origin is tuple:
            return arguments[0]
    return None
