"""Events in groups: what happened again and again within a while is told once, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bocr_tui.catalog.happenings import Event

TOGETHER_S = 900.0
"""Events that say the same, each within a quarter of an hour of the next, belong together."""

_NAMES = re.compile(r"\b(?=[\w.-]*\d)[\w.-]+\b|[\d.,]+")
"""Numbers, tokens and ids: what differs between events that say the same."""


@dataclass(frozen=True)
class Happening:
    """A run of events that say the same, or one event. `id`, `at` and what follows are of the newest, `since`
    is the oldest's time."""

    id: int
    at: float
    since: float
    kind: str
    text: str
    count: int = 1
    job_id: int | None = None
    token: str | None = None
    site: str = ""
    batch_id: int | None = None
    document_id: int | None = None


def grouped(events: Iterable[Event]) -> list[Happening]:
    """Newest first, as they are given; a group stands where its newest event does."""
    found: list[Happening] = []
    open_groups: dict[tuple[str, str, str], int] = {}
    for event in events:
        shape = (event.kind, event.site, _NAMES.sub("#", event.text))
        at = open_groups.get(shape)
        if at is not None and found[at].since - event.at <= TOGETHER_S:
            found[at] = replace(found[at], since=event.at, count=found[at].count + 1)
        else:
            open_groups[shape] = len(found)
            found.append(_happening(event))
    return found


def _happening(event: Event) -> Happening:
    return Happening(
        id=event.id,
        at=event.at,
        since=event.at,
        kind=event.kind,
        text=event.text,
        job_id=event.job_id,
        token=event.token,
        site=event.site,
        batch_id=event.batch_id,
        document_id=event.document_id,
    )
