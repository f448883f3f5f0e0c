"""Names for bindings, which a keymap, the help and the documentation of keys go by.

An id is the context (the screen's or the widget's name) and the binding's title: `pages.only_failed`.
Bindings of an action carry the action's own id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from textual.binding import Binding, BindingType

_NO_WORD = re.compile(r"[^a-z0-9]+")

_CALLED = {"VirtualTable": "table", "LogView": "log_view"}


def context_of(name: str) -> str:
    """A class's name as the context of its keys: `BatchesScreen` is `batches`, `LogView` is `log_view`."""
    if name in _CALLED:
        return _CALLED[name]
    words = re.findall(r"[A-Z][a-z0-9]*", name)
    kept = words[:-1] if len(words) > 1 and words[-1] == "Screen" else words
    return "_".join(kept).lower()


def binding_id(context: str, title: str) -> str:
    return f"{context}.{_NO_WORD.sub('_', title.lower()).strip('_')}"


def with_ids(context: str, bindings: Iterable[object]) -> list[BindingType]:
    """These bindings, each with an id; one that has its own keeps it."""
    return [
        each if each.id else replace(each, id=binding_id(context, each.description))
        for each in bindings
        if isinstance(each, Binding)
    ]
