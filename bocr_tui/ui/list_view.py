"""How a list is looked at: its filter in words, whether only what failed is shown, and its order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bocr_tui.catalog.filter_language import TEXT, Grammar, Term, parse
from bocr_tui.config.errors import UsageError
from bocr_tui.ui.widgets.table_drawing import Sorted

HISTORY_KEPT = 20
"""Filters that the up arrow brings back: as many as a person may remember having typed."""


@dataclass(frozen=True)
class Order:
    """An order that a list can have. `backwards`: the direction a person means first, such as the newest."""

    id: str
    title: str
    backwards: bool = False


@dataclass
class ListView:
    """`terms` are what `text` says. `history` holds filters typed before, the newest last."""

    grammar: Grammar | None
    orders: tuple[Order, ...]
    text: str = ""
    terms: tuple[Term, ...] = ()
    only: bool = False
    order: Sorted = field(default_factory=Sorted)
    history: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.orders and not self.order.by:
            self.order = Sorted(self.orders[0].id, self.orders[0].backwards)

    def parsed(self, text: str) -> tuple[Term, ...]:
        """Raises FilterError."""
        return () if self.grammar is None else parse(text, self.grammar)

    def take(self, text: str) -> None:
        """Filter by `text`. Raises FilterError; then all stays as it was."""
        self.terms, self.text = self.parsed(text), text.strip()
        if self.text:
            kept = [each for each in self.history if each != self.text]
            self.history = [*kept, self.text][-HISTORY_KEPT:]

    def put(self, field: str, value: str) -> None:
        """Ask for `value` of a field, in the place of what was asked of it before. Raises FilterError."""
        left = self.text
        for term in sorted(self.terms, key=lambda each: each.start, reverse=True):
            if term.field == field and not term.negated:
                left = f"{left[: term.start]}{left[term.end :]}"
        value = max(value.split('"'), key=len)  # a quote cannot be quoted
        quoted = f'"{value}"' if re.search(r"[\s,]", value) else value
        self.take(f"{' '.join(left.split())} {field}:{quoted}")

    def words(self, only: str) -> list[str]:
        """The filter in words; `only` names what the shorter list holds."""
        words = [only] if self.only else []
        if self.text:
            one_name = len(self.terms) == 1 and self.terms[0].field == TEXT and not self.terms[0].negated
            words.append(f"name “{self.terms[0].texts[0]}”" if one_name else self.text)
        return words

    @property
    def order_words(self) -> str:
        """The order in words; empty for the one that the list has by itself."""
        if not self.orders or self.order == Sorted(self.orders[0].id, self.orders[0].backwards):
            return ""
        title = next((each.title for each in self.orders if each.id == self.order.by), self.order.by)
        return f"by {title} {'▼' if self.order.backwards else '▲'}"

    def clear(self) -> bool:
        """Show everything again, in the same order; False when that is the case already."""
        changed = bool(self.text or self.only)
        self.text, self.terms, self.only = "", (), False
        return changed

    def sort(self, by: str) -> None:
        """Order the list so; the other way round when it is ordered so already. Raises UsageError."""
        wanted = by.strip().casefold()
        found = next((each for each in self.orders if wanted in (each.title.casefold(), each.id)), None)
        if found is None:
            known = ", ".join(each.title for each in self.orders)
            raise UsageError(f"This list has no order {by!r}.", f"Orders: {known}." if known else "")
        same = found.id == self.order.by
        self.order = Sorted(found.id, not self.order.backwards if same else found.backwards)

    def remember(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "filter": self.text,
            "only": self.only,
            "order": self.order.by,
            "backwards": self.order.backwards,
            "history": list(self.history),
        }

    def recall(self, state: Mapping[str, Any]) -> None:
        """Be as when it was remembered; what this panel does not understand is left out."""
        self.history = [str(each) for each in state.get("history", ())][-HISTORY_KEPT:]
        self.only = state.get("only") is True
        if state.get("order") in [each.id for each in self.orders]:
            self.order = Sorted(str(state["order"]), state.get("backwards") is True)
        text = state.get("filter")
        if isinstance(text, str) and text:
            self.take(text)
