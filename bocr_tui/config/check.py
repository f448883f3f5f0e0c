"""One finding of `bocr doctor`, about this machine or about a site."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, DOUBTFUL, BAD = "good", "note", "bad"


@dataclass(frozen=True)
class Check:
    """`state` is good, note (works, but less well) or bad (will not work)."""

    name: str
    state: str
    said: str
    next_step: str = ""
