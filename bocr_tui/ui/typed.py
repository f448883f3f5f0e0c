"""The language of the command line: a word, then values and `name=value`.

`:resubmit engine=tesseract` does an action to what is selected; its options are the action's own.
`:go pages`, `:filter state=failed`, `:sort confidence`, `:theme NAME` and others move the panel itself.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bocr_tui.actions.action import Action, Options
from bocr_tui.actions.registry import ACTIONS
from bocr_tui.config.errors import UsageError

VERBS = {
    "go": "To a place: go pages.",
    "filter": "Show only what fits: filter state=failed.",
    "sort": "Order the list: sort confidence.",
    "theme": "Change the colours: theme bocr-dark.",
    "copy": "Send what is shown to the terminal's clipboard.",
    "zoom": "Let one pane fill the screen, or give it back.",
    "undo": "Take back a resubmission that has not been sent yet.",
    "help": "Every key of this screen.",
    "tour": "A walk through the panel in a few cards.",
    "quit": "Leave the panel; jobs that run go on.",
}
"""What moves the panel itself, with a sentence."""

TAKES_REST = frozenset({"filter", "sort", "theme", "go"})
"""Verbs whose argument is all that follows, as it was typed."""

AUTOPILOT = "autopilot"
_ON_AND_OFF = {"": "start", "on": "start", "off": "stop"}
"""What may follow it, beside the names of its actions."""

_WHOLE_NUMBERS = frozenset({"batch_pages", "batch_documents", "batches", "pages_per_document", "stage"})
_MANY = frozenset({"stages", "formats"})
_ALIAS = {"pages": "batch_pages", "documents": "batch_documents", "format": "formats", "id": "scheduler_id"}


@dataclass(frozen=True)
class Typed:
    """A verb with what follows it, or an action with its options."""

    verb: str = ""
    rest: str = ""
    action: Action | None = None
    options: Options = field(default_factory=Options)


def parse(line: str, places: Sequence[str] = (), selects: str | None = None) -> Typed:
    """What was typed. `places` are words that go there; of actions of one name, that on `selects` is meant.

    Raises UsageError, which names the nearest word there is.
    """
    word, _, rest = line.strip().lstrip(":").strip().partition(" ")
    rest = rest.strip()
    if word in places and not (rest and action_called(word, selects)):
        return Typed("go", word)
    if word in VERBS:
        if rest and word not in TAKES_REST:
            raise UsageError(f"{word} takes nothing after it.", VERBS[word])
        return Typed(word, rest)
    if word == AUTOPILOT:
        word, rest = f"{AUTOPILOT}.{_ON_AND_OFF.get(rest, rest)}", ""
    action = action_called(word, selects)
    if action is None:
        raise UsageError(f"There is no command {word!r}.", nearest(word, [*VERBS, *places, *action_words()]))
    return Typed(action=action, options=options_in(action, rest))


def said_as(action: Action) -> str:
    """How an action is typed: the last part of its id, and of the autopilot's both."""
    return action.id.replace(".", " ") if action.group == "Autopilot" else action.id.rpartition(".")[2]


def action_words() -> list[str]:
    """What actions are called."""
    return sorted({said_as(action) for action in ACTIONS})


def action_called(word: str, selects: str | None = None) -> Action | None:
    """By its id or by the id's last part; `upload-pause` is `upload_pause`."""
    word = word.replace("-", "_")
    found = [action for action in ACTIONS if word in (action.id, action.id.rpartition(".")[2])]
    found.sort(key=lambda action: action.selects != selects)
    return found[0] if found else None


def nearest(word: str, known: Sequence[str]) -> str:
    """A sentence that names what may have been meant."""
    like = difflib.get_close_matches(word, known, 1)
    return f"Did you mean {like[0]}?" if like else "? lists what there is."


def options_in(action: Action, said: str) -> Options:
    """`name=value` for what the action asks; a word alone is the one thing it needs. Raises UsageError."""
    if "setting" in action.asks:
        return _setting(said)
    try:
        words = shlex.split(said)
    except ValueError as error:
        raise UsageError(f"This cannot be read: {error}.", 'Close the quotes: name="a value".') from None
    given: dict[str, object] = {}
    alone: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        name = name.replace("-", "_")
        if not equals:
            alone.append(word)
            continue
        known = name if name in action.asks else _ALIAS.get(name, name)
        if known not in action.asks:
            there = ", ".join(action.asks) or "nothing"
            raise UsageError(f"{action.title} has no option {name}.", f"It takes: {there}.")
        given[known] = _value(known, value)
    given.update(_alone(action, alone))
    return Options(**given)  # type: ignore[arg-type]


def _setting(said: str) -> Options:
    """`KEY VALUE` or `KEY=VALUE`, the value as bocr.toml takes it; without one it is the default again."""
    found = re.fullmatch(r"(?:setting=)?([\w.-]+)(?:\s*[=\s]\s*(?:value=)?(.*))?", said.strip())
    if found is None:
        raise UsageError("No setting is named.", "For example: set panel.theme bocr-light.")
    return Options(setting=found[1], value=found[2] or None)


def _alone(action: Action, words: list[str]) -> dict[str, object]:
    if not words:
        return {}
    if "paths" in action.asks:
        return {"paths": tuple(Path(word).expanduser() for word in words)}
    if "destination" in action.asks and len(words) == 1:
        return {"destination": Path(words[0]).expanduser()}
    options = " ".join(f"{name}=…" for name in action.asks)
    raise UsageError(f"{action.title} acts on what is selected.", f"Options: {options}" if options else "")


def _value(name: str, value: str) -> object:
    if name in _WHOLE_NUMBERS:
        if not (value.isascii() and value.isdigit() and int(value) > 0):
            raise UsageError(f"{name} is a whole number, not {value!r}.", "")
        return int(value)
    if name in _MANY:
        return tuple(part for part in value.split(",") if part)
    if name == "paths":
        return (Path(value).expanduser(),)
    if name == "destination":
        return Path(value).expanduser()
    if name == "choice" and value not in ("ask", "never_ran"):
        raise UsageError(f"choice is ask or never_ran, not {value!r}.", "")
    return value
