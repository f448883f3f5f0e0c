"""An action as the command that does the same without the panel."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bocr_tui.actions.action import Action, Options, Selection

BY_ID = ("pages",)
"""Kinds of rows that have no name of their own: the command takes their ids."""


def ranges(numbers: Iterable[int]) -> str:
    """`3,7-9,12`: ascending, each number once."""
    told: list[list[int]] = []
    for number in sorted(set(numbers)):
        if told and number == told[-1][1] + 1:
            told[-1][1] = number
        else:
            told.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in told)


def twin(action: Action, selection: Selection, options: Options, names: Sequence[str] = ()) -> str:
    """The command line that does what `action` does to `selection` with `options`.

    `names` are the selected rows' as the command takes them (batches' names, jobs' tokens). Where they are
    not known their number stands in their place, which a shell does not take for a name.
    """
    words = shlex.split(action.command)
    words += _rows(action, selection, names)
    if action.id == "workspace.clean":  # names its site as others name batches, and asks by itself
        return shlex.join([*words, *([options.site] if options.site else []), "--yes"])
    for name in action.asks:
        words += _OPTIONS[name](options)
    return shlex.join(words)


def _rows(action: Action, selection: Selection, names: Sequence[str]) -> list[str]:
    if action.selects is None:
        return []
    rows = getattr(selection, action.selects)
    if action.selects in BY_ID:
        return ["--id", ranges(rows)] if rows else []
    chosen = list(names) or list(map(str, selection.sites if action.selects == "sites" else ()))
    return chosen if len(chosen) == len(rows) else [f"<{len(rows):,} {action.selects}>"] if rows else []


def _flag(flag: str, attribute: str) -> Callable[[Options], list[str]]:
    """An option that stands once for each value it has."""

    def words(options: Options) -> list[str]:
        value = getattr(options, attribute)
        if value is None:
            return []
        values = value if isinstance(value, tuple) else (value,)
        return [word for each in values for word in (flag, str(each))]

    return words


def _settled(options: Options) -> list[str]:
    if options.scheduler_id is not None:
        return []
    return ["--ask"] if options.choice == "ask" else ["--never-ran"]


_OPTIONS: dict[str, Callable[[Options], list[str]]] = {
    "engine": _flag("--engine", "engine"),
    "site": _flag("--site", "site"),
    "stages": _flag("--engine", "stages"),
    "queue": _flag("--queue", "queue"),
    "walltime": _flag("--walltime", "walltime"),
    "stage": lambda options: ["--stage", str(options.stage)] if options.stage != 1 else [],
    "setting": lambda options: [f"{options.setting}={'' if options.value is None else options.value}"],
    "attempt": _flag("--attempt", "attempt"),
    "language": _flag("--language", "language"),
    "batch_pages": _flag("--pages", "batch_pages"),
    "batch_documents": _flag("--documents", "batch_documents"),
    "batches": _flag("--batches", "batches"),
    "pages_per_document": _flag("--pages-per-document", "pages_per_document"),
    "formats": _flag("--format", "formats"),
    "choice": _settled,
    "scheduler_id": _flag("--id", "scheduler_id"),
    "paths": lambda options: list(map(str, options.paths)),
    "destination": lambda options: [str(options.destination)] if options.destination else [],
}
"""How a command says what an Options field says."""
