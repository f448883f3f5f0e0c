"""Short quotes for evidence: what a person can recognise, and no journal line can choke on."""

from __future__ import annotations

QUOTE_LENGTH = 60


def quote(text: str) -> str:
    """The start of a text on one line, at most QUOTE_LENGTH characters, what cannot be shown escaped.

    A longer text ends in an ellipsis. Letters of every script stay as they are.
    """
    start = " ".join(text[: QUOTE_LENGTH * 4].split())
    shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in start[: QUOTE_LENGTH + 1])
    return shown if len(shown) <= QUOTE_LENGTH else shown[: QUOTE_LENGTH - 1] + "…"


def inked_characters(text: str) -> int:
    """Characters that leave ink on paper: all but white space."""
    return sum(map(len, text.split()))
