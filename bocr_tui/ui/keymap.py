"""The person's own keys: a TOML file, `[keys]`, `"page.resubmit" = "ctrl+e"`.

The person's file in the configuration folder comes first, the workspace's after it and over it. What is wrong
in one is told with its place; the rest of it holds all the same.
"""

from __future__ import annotations

import difflib
import string
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import tomllib
from textual.keys import KEY_NAME_REPLACEMENTS, Keys

if TYPE_CHECKING:
    from bocr_tui.ui.known_keys import KnownKey

TABLE = "keys"

KEPT = frozenset({"ctrl+c", "ctrl+q"})
"""Keys that always leave the panel, whatever a file says."""

_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})


def _names() -> frozenset[str]:
    """What keys of more than one letter are called: as the framework does, and signs as Unicode does."""
    signs = {
        unicodedata.name(each).lower().replace(" ", "_").replace("-", "_") for each in string.punctuation
    }
    return frozenset({str(key.value) for key in Keys} | signs | set(KEY_NAME_REPLACEMENTS.values()))


_NAMED = _names()


@dataclass(frozen=True)
class Keymap:
    """`keys` by binding id, as the framework takes them; `problems` are sentences with file and line."""

    keys: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_keymap(files: Iterable[Path], known: Sequence[KnownKey]) -> Keymap:
    """The keys that the files say, and what in them cannot be meant. A file that is missing says nothing."""
    keys: dict[str, str] = {}
    said_in: dict[str, str] = {}
    problems: list[str] = []
    ids = sorted({each.id for each in known})
    for path in files:
        if not path.is_file():
            continue
        text, table = _read(path, problems)
        for name, value in table.items():
            where = f"{path}:{_line_of(text, name)}"
            if name not in ids:
                problems.append(f"{where}: there is no key {name!r}.{_nearest(name, ids)}")
            elif (wrong := _wrong(value)) is not None:
                problems.append(f"{where}: {wrong}")
            else:
                keys[name] = ",".join(part.strip() for part in str(value).split(","))
                said_in[name] = where
    keys, clashes = _without_clashes(keys, said_in, known)
    return Keymap(keys, (*problems, *clashes))


def _read(path: Path, problems: list[str]) -> tuple[str, Mapping[str, object]]:
    try:
        text = path.read_text(encoding="utf-8")
        said = tomllib.loads(text)
    except (OSError, ValueError) as error:
        problems.append(f"{path}: {error}")
        return "", {}
    problems += [
        f"{path}: there is no table {name!r}; keys stand in [keys]." for name in said if name != TABLE
    ]
    table = said.get(TABLE, {})
    if not isinstance(table, dict):
        problems.append(f"{path}: [keys] is a table.")
        return text, {}
    return text, dict(_flat("", table))


def _flat(prefix: str, table: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """`page.resubmit = "x"` without quotes is a table in TOML: it is meant all the same."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _line_of(text: str, name: str) -> int:
    """The line that names it, 1 where it cannot be told."""
    last = name.rpartition(".")[2]
    lines = text.splitlines()
    for words in (name, last):
        for number, line in enumerate(lines, 1):
            if words in line.partition("=")[0]:
                return number
    return 1


def _nearest(name: str, known: Sequence[str]) -> str:
    like = difflib.get_close_matches(name, known, 1, cutoff=0.5)
    return f" Did you mean {like[0]!r}?" if like else ""


def _wrong(value: object) -> str | None:
    """Why it is no key."""
    if not isinstance(value, str) or not value.strip():
        return f'{value!r} is no key; write one as a text, such as "ctrl+e".'
    for key in (part.strip() for part in value.split(",")):
        if key in KEPT:
            return f"{key} always leaves the panel."
        *modifiers, last = key.split("+") if len(key) > 1 else [key]
        unknown = [each for each in modifiers if each not in _MODIFIERS]
        if unknown or not _is_key(last):
            return f"{key!r} is no key; keys are written as r, ctrl+e, f5 or question_mark."
    return None


def _is_key(name: str) -> bool:
    return len(name) == 1 or name in _NAMED


def _without_clashes(
    keys: dict[str, str], said_in: Mapping[str, str], known: Sequence[KnownKey]
) -> tuple[dict[str, str], list[str]]:
    """Those that take no other's key where both hold; one that does is left out and told."""
    taken, problems = dict(keys), []
    for name, said in keys.items():
        mine = [each.context for each in known if each.id == name]
        for other in known:
            theirs = taken.get(other.id, ",".join(other.keys)).split(",")
            both = [key for key in said.split(",") if key in theirs]
            if other.id != name and both and any(_together(each, other.context) for each in mine):
                held = f"{both[0]} is {other.title!r} ({other.id}) already"
                problems.append(f"{said_in[name]}: {held}; {name} stays as it was.")
                del taken[name]
                break
    return taken, problems


def _together(one: str, other: str) -> bool:
    """Whether keys of both contexts can hold at once: on one screen, or in a widget and around it."""
    from bocr_tui.ui.known_keys import contexts_of, screen_classes

    screens = [set(contexts_of(each)) for each in screen_classes()]
    if one == other or any({one, other} <= each for each in screens):
        return True
    everywhere = set.intersection(*screens) | {"list"}
    lone = [each for each in (one, other) if not any(each in held for held in screens)]
    return len(lone) == 1 and bool({one, other} & everywhere)
