"""What may come next on the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bocr_tui.actions.registry import ACTIONS
from bocr_tui.ui.typed import VERBS, action_called, said_as

MOST = 12
"""Shown at once: a glance, not a list to read."""


@dataclass(frozen=True)
class Vocabulary:
    """The words that are known here. `values` are those of an option or of a verb: `engine`, `theme`."""

    places: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    selects: str | None = None
    """The kind of rows that is selected: actions on others are left out."""


@dataclass(frozen=True)
class Completion:
    """The whole line as it would be, and a sentence."""

    line: str
    tooltip: str = ""


def completions(line: str, known: Vocabulary) -> list[Completion]:
    """The first ones, the likeliest first: what begins as the last word does."""
    line = line.lstrip()
    word, blank, rest = line.partition(" ")
    if not blank:
        return _verbs(word, known)[:MOST]
    if word in VERBS:
        return [Completion(f"{word} {each}") for each in _fitting(rest, known.values.get(word, ()))][:MOST]
    action = action_called(word, known.selects)
    if action is None:
        return []
    before, _, last = rest.rpartition(" ")
    start = f"{word} {before} " if before else f"{word} "
    name, equals, value = last.partition("=")
    if equals:
        values = _fitting(value, known.values.get(name, ()))
        return [Completion(f"{start}{name}={each}") for each in values][:MOST]
    return [Completion(f"{start}{each}=") for each in action.asks if each.startswith(last)][:MOST]


def _verbs(word: str, known: Vocabulary) -> list[Completion]:
    found = [
        Completion(said_as(action), action.tooltip)
        for action in ACTIONS
        if action.selects == known.selects and known.selects is not None
    ]
    found += [Completion(verb, tooltip) for verb, tooltip in VERBS.items()]
    found += [Completion(place, tooltip) for place, tooltip in known.places.items()]
    found += [Completion(said_as(action), action.tooltip) for action in ACTIONS if action.selects is None]
    begins = [each for each in found if each.line.startswith(word)]
    holds = [each for each in found if word in each.line and each not in begins]
    return begins + holds


def _fitting(said: str, values: Sequence[str]) -> list[str]:
    begins = [each for each in values if each.startswith(said)]
    return begins + [each for each in values if said in each and each not in begins]
