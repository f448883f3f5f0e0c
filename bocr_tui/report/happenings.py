"""Events in groups: what happened again and again within a while is told once, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bocr_tui.catalog.happenings import Event

TOGETHER_S = 900.0
"""Events that say the same, each within a quarter of an hour of the next, belong together."""

_NAMES = re.compile(r"\b\d{1,3}(?:,\d{3})+\b|\b(?=[\w.-]*\d)[\w.-]+\b|[\d.,]+")
"""Numbers, tokens and ids: what differs between events that say the same."""

_COUNT = re.compile(r"\d{1,3}(,\d{3})+|\d{1,9}")


@dataclass(frozen=True)
class Happening:
    """A run of events that say the same, or one event. `id`, `at` and what follows are of the newest, `since`
    is the oldest's time; `text` is true of all of them."""

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
    """Newest first, as they are given; a group stands where its newest event does. Where its events differ
    its text says between what, or nothing: `Batch submitted: 7–8 pages`, `Job submitted as …`."""
    found: list[Happening] = []
    texts: list[set[str]] = []
    open_groups: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for event in events:
        shape = (event.kind, event.site, tuple(_NAMES.split(event.text)))
        at = open_groups.get(shape)
        if at is not None and found[at].since - event.at <= TOGETHER_S:
            found[at] = replace(found[at], since=event.at, count=found[at].count + 1)
            texts[at].add(event.text)
        else:
            open_groups[shape] = len(found)
            found.append(_happening(event))
            texts.append({event.text})
    return [
        each if len(said) == 1 else replace(each, text=_common(said))
        for each, said in zip(found, texts, strict=True)
    ]


def _common(texts: Iterable[str]) -> str:
    """What texts of one shape say together."""
    lines = sorted(texts)
    names = zip(*(_NAMES.findall(line) for line in lines), strict=True)
    told = iter([_between(set(each)) for each in names])
    return _NAMES.sub(lambda _: next(told), lines[0])


def _between(names: set[str]) -> str:
    if len(names) == 1:
        return next(iter(names))
    if all(_COUNT.fullmatch(name) for name in names):
        counts = sorted(int(name.replace(",", "")) for name in names)
        return f"{counts[0]:,}–{counts[-1]:,}"
    return "…"


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
