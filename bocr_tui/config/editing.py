"""Changes to a bocr.toml that a person wrote: comments, order and blanks stay, and nothing else changes."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
import tomllib
from tomlkit.exceptions import TOMLKitError

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import parse_config

_BY_HAND = "Make the change by hand; docs/sites.md shows how it looks."


def with_site(text: str, name: str, settings: Mapping[str, Any], *, default: bool, where: str) -> str:
    """The file with a site more. `default`: it is the site that work goes to. Raises ConfigError where the
    file, or what would become of it, is not right."""

    def change(document: tomlkit.TOMLDocument) -> str:
        if "sites" not in document:
            document["sites"] = tomlkit.table(is_super_table=True)
        table = _table(settings)
        _last(table).add(tomlkit.nl())
        document["sites"][name] = table
        made = tomlkit.dumps(document)
        return _with_default(made, document, name) if default else made

    def expected(record: dict[str, Any]) -> None:
        record.setdefault("sites", {})[name] = _plain(settings)
        if default:
            record["site"] = name

    return _changed(text, change, expected, where)


def without_site(text: str, name: str, *, where: str) -> str:
    """The file without a site; if it was the one that work goes to, that is the default again. Raises
    ConfigError where the file has no such site, or cannot be changed."""
    record = tomllib.loads(text)
    if name not in record.get("sites", {}):
        raise ConfigError(f"{where} configures no site {name}.", "`bocr site list` names those there are.")

    def change(document: tomlkit.TOMLDocument) -> str:
        del document["sites"][name]
        if not document["sites"]:
            del document["sites"]
        if document.get("site") == name:
            del document["site"]
        return tomlkit.dumps(document)

    def expected(record: dict[str, Any]) -> None:
        del record["sites"][name]
        if not record["sites"]:
            del record["sites"]
        if record.get("site") == name:
            del record["site"]

    return _changed(text, change, expected, where)


def with_setting(text: str, key: str, value: Any, *, where: str) -> str:
    """The file with one setting of the top, or of one of its tables (`limits.attempts`), set to `value`;
    None: taken out, so that it is the default again. Raises ConfigError."""
    *above, name = key.split(".")
    if len(above) > 1 or not name:
        raise ConfigError(f"{key} cannot be set from here.", "Write it into bocr.toml by hand.")

    def apply(record: Any) -> None:
        table = record.setdefault(above[0], {}) if above else record
        if value is None:
            table.pop(name, None)
        else:
            table[name] = _plain(value)
        if above and not table:
            del record[above[0]]

    def change(document: tomlkit.TOMLDocument) -> str:
        if above and above[0] not in document and value is not None:
            document[above[0]] = _table({name: value})
            return tomlkit.dumps(document)
        if not above and name not in document and value is not None:
            return _at_top(tomlkit.dumps(document), name, value)
        apply(document)
        return tomlkit.dumps(document)

    return _changed(text, change, apply, where)


def _changed(
    text: str,
    change: Callable[[tomlkit.TOMLDocument], str],
    expected: Callable[[dict[str, Any]], None],
    where: str,
) -> str:
    """What cannot be changed without changing something else is left alone."""
    parse_config(text, where)
    wanted = tomllib.loads(text)
    expected(wanted)
    try:
        made = change(tomlkit.parse(text)).rstrip("\n") + "\n"
        kept = tomllib.loads(made) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{where} is written in a way that cannot be changed: {error}.", _BY_HAND
        ) from error
    if not kept:
        raise ConfigError(f"{where} is written in a way that cannot be changed safely.", _BY_HAND)
    parse_config(made, where)
    return made


def _with_default(text: str, document: tomlkit.TOMLDocument, name: str) -> str:
    """A key of the top stands before the first table: behind the comments that the file begins with."""
    if "site" in document:
        document["site"] = name
        return tomlkit.dumps(document)
    return _at_top(text, "site", name)


def _at_top(text: str, key: str, value: Any) -> str:
    """A key more, before the first setting or table."""
    lines = text.splitlines(keepends=True)
    head = next((place for place, line in enumerate(lines) if line.strip()[:1] not in ("", "#")), len(lines))
    above, below = "".join(lines[:head]), "".join(lines[head:])
    gap = "\n" if below.startswith("[") else ""
    return f"{above}{_line_end(above)}{key} = {tomlkit.item(value).as_string()}\n{gap}{below}"


def _line_end(text: str) -> str:
    return "\n" if text and not text.endswith("\n") else ""


def _table(settings: Mapping[str, Any]) -> tomlkit.items.Table:
    """Plain settings first, tables below them; a list of several lines one line each."""
    table = tomlkit.table()
    for key, value in settings.items():
        if not isinstance(value, Mapping):
            table[key] = _value(value)
    for key, value in settings.items():
        if isinstance(value, Mapping):
            table[key] = _tables(value) if _holds_tables(value) else _table(value)
    return table


def _last(table: tomlkit.items.Table) -> tomlkit.items.Table:
    """The table that ends it."""
    inner = [item for item in table.values() if isinstance(item, tomlkit.items.Table)]
    return _last(inner[-1]) if inner else table


def _tables(settings: Mapping[str, Any]) -> tomlkit.items.Table:
    table = tomlkit.table(is_super_table=True)
    for key, value in settings.items():
        table[key] = _table(value)
    return table


def _holds_tables(value: Mapping[str, Any]) -> bool:
    return bool(value) and all(isinstance(inner, Mapping) for inner in value.values())


def _value(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return value
    array = tomlkit.array()
    array.extend(value)
    return array.multiline(len(value) > 1)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def write_config(path: Path, text: str) -> None:
    """In place of the old one, whole or not at all, with its permissions; a link stays one."""
    target = path.resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            with contextlib.suppress(OSError):
                os.fchmod(stream.fileno(), target.stat().st_mode & 0o7777)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
