"""The two lines above every screen: how the campaign stands, and where one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from bocr_tui.ui.places import Place, places
from bocr_tui.ui.safe_text import clean, fit, shortened, whole_words, width_of
from bocr_tui.ui.widgets.tones import Part, in_order, tone_style


class PartsLine(Widget):
    """One line: parts at the left, and parts at the right that give way last."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()

    def show(self, left: tuple[Part, ...], right: tuple[Part, ...] = ()) -> None:
        """Draw these parts; texts may be anything. Nothing is redrawn when nothing changed."""
        left = tuple((clean(text), tone) for text, tone in left)
        right = tuple((clean(text), tone) for text, tone in right)
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Text:
        width = self.size.width
        taken = sum(width_of(text) for text, _ in self._right)
        line = Text(end="", no_wrap=True)
        room = max(0, width - taken - (2 if self._right else 0))
        for text, tone in self._left:
            shown = fit(text, width_of(text)) if width_of(text) <= room else _begun(text, room)
            line.append(in_order(self, shown), tone_style(self, tone))
            room -= width_of(shown)
            if width_of(shown) < width_of(text):
                break
        room = max(0, room)
        if self._right:
            line.append(" " * (room + 2))
            for text, tone in self._right:
                line.append(in_order(self, text), tone_style(self, tone))
        return line


@dataclass(frozen=True)
class Standing:
    """What the first line says. `unread` says why nothing is known of the catalog, and how that is meant;
    empty when something is, and then `stale_s` None means live. `counted`: there is something to count, be it
    nothing. `activity` is what runs in the background; `sites` says what matters of the sites now."""

    workspace: str
    driving: str
    driving_tone: str
    stale_s: float | None
    unread: tuple[Part, ...]
    counted: bool
    activity: str
    running: int
    queued: int
    failed: int
    ok: int
    total: int
    autopilot: bool = False
    sites: tuple[Part, ...] = ()
    read_only: bool = False


def _begun(text: str, room: int) -> str:
    """The words of a part that fit; of its sign alone nobody learns anything."""
    cut = whole_words(text, room)
    return cut if any(map(str.isalnum, cut)) else "…"[:room]


class TopLine(PartsLine):
    """Workspace and driver, sites that matter now, how old what is shown is, and the counts."""

    def tell(self, standing: Standing) -> None:
        self.show(*first_line(standing, self.size.width))


def first_line(standing: Standing, width: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Both sides of the first line in `width` columns. What matters least gives way first, in whole words and
    parts: who drives, where that is well; sites; counts of what goes on; last, that what is shown is old."""
    left = _left(standing, wide=width >= WIDE)
    right = _counts(standing, words=True)
    if _cells(left, right) > width:
        right = _counts(standing, words=False)
    left = _giving_way(left, width - _cells((), right), GIVES_WAY_FIRST)
    left = _shorter_name(left, width - _cells((), right), NAME_CELLS)
    if _cells(left, right) > width:
        right = right[-2:]
    left = _giving_way(left, width - _cells((), right), 1)
    left = _shorter_name(left, width - _cells((), right), 2)
    if len(left) > 2 and left[2].text.startswith(" "):
        left = (left[0], left[1]._replace(text=left[1].text.rstrip()), *left[2:])
    return tuple((part.text, part.tone) for part in left), right


class _Told(NamedTuple):
    """A part of the first line; those of the highest `rank` give way first, those of 0 never."""

    rank: int
    text: str
    tone: str


GIVES_WAY_FIRST = 4
"""The rank from which on parts give way before the counts do."""

NAME_CELLS = 16
"""To which the workspace's name is shortened before anything that matters is left out."""

LEAST_CUT = 12
"""Cells below which a part says nothing: then it is left out whole."""


def _cells(left: Sequence[_Told], right: Sequence[Part]) -> int:
    """What both sides take, with the blanks between."""
    texts = [*(part.text for part in left), *(text for text, _ in right)]
    return sum(width_of(clean(text)) for text in texts) + (2 if right else 0)


def _giving_way(left: tuple[_Told, ...], room: int, least_rank: int) -> tuple[_Told, ...]:
    """What of the left side fits: words of the least important part go first, then that part, then others."""
    while (over := _cells(left, ()) - room) > 0 and any(part.rank >= least_rank for part in left):
        last = max(left, key=lambda part: part.rank)
        cut = whole_words(clean(last.text), width_of(clean(last.text)) - over)
        if width_of(cut) >= LEAST_CUT:
            return tuple(part._replace(text=cut) if part is last else part for part in left)
        left = tuple(part for part in left if part is not last)
    return left


def _shorter_name(left: tuple[_Told, ...], room: int, least: int) -> tuple[_Told, ...]:
    """The workspace's name cut in its middle, as far as it must be and `least` cells allow."""
    over = _cells(left, ()) - room
    if over <= 0:
        return left
    name = clean(left[1].text).rstrip()
    return (
        left[0],
        left[1]._replace(text=f"{shortened(name, max(least, width_of(name) - over))} "),
        *left[2:],
    )


WIDE = 100
"""Columns from which on there is room for what is merely good to know."""


def _left(standing: Standing, *, wide: bool) -> tuple[_Told, ...]:
    parts = [_Told(0, "● ", standing.driving_tone), _Told(0, f"{standing.workspace} ", "strong")]
    if standing.unread:
        parts += [_Told(1, *part) for part in standing.unread]
    else:
        tone = standing.driving_tone
        rank = {"ok": 8, "failed": 1}.get(tone, 6)
        parts.append(_Told(rank, standing.driving, "muted" if tone == "ok" else tone))
    if standing.stale_s is not None:
        parts.append(_Told(2, f" │ stale {standing.stale_s:.0f} s", "warning"))
    if standing.read_only:
        parts.append(_Told(3, " │ read-only", "warning"))
    parts += [_Told(4 + at, *part) for at, part in enumerate(standing.sites[:3])]
    if standing.autopilot:
        parts.append(_Told(7, " │ autopilot", "accent"))
    if standing.activity:
        parts.append(_Told(7, f" │ {standing.activity}", "accent"))
    if wide and not standing.unread and standing.stale_s is None:
        parts.append(_Told(9, " │ live", "muted"))
    return tuple(parts)


def _counts(standing: Standing, *, words: bool) -> tuple[Part, ...]:
    if not standing.counted:
        return ()
    running, queued, failed = (" running ", " queued ", " failed ") if words else ("", "", "")
    return (
        (f"» {standing.running:,}{running} ", "busy" if standing.running else "muted"),
        (f"· {standing.queued:,}{queued} ", "waiting" if standing.queued else "muted"),
        (f"✗ {standing.failed:,}{failed} ", "failed" if standing.failed else "muted"),
        (f"✓ {standing.ok:,}/{standing.total:,}", "ok" if standing.ok else "muted"),
    )


class PlaceLine(PartsLine):
    """Where one is: the places, and what this list shows. Titles shorten until all of them fit."""

    class Chosen(Message):
        """A place was clicked."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._here: str | None = None
        self._beside: tuple[Part, ...] = ()
        self._titles: tuple[str, ...] = ()

    def tell(self, here: str | None, right: tuple[Part, ...]) -> None:
        self._here, self._beside = here, right
        right = _within(right, self.size.width - sum(map(len, _titles(here, 0))) - 2)
        taken = sum(width_of(clean(text)) for text, _ in right)
        self._titles = _titles(here, self.size.width - taken - (2 if right else 0))
        tones = ("title" if place.id == here else "muted" for place in places())
        self.show(tuple(zip(self._titles, tones, strict=True)), right)

    def on_resize(self) -> None:
        self.tell(self._here, self._beside)

    def on_click(self, event: events.Click) -> None:
        left = 0
        for place, title in zip(places(), self._titles, strict=False):
            left += len(title)
            if event.x < left:
                self.post_message(self.Chosen(place.id))
                return


def _within(right: tuple[Part, ...], room: int) -> tuple[Part, ...]:
    """The parts in `room` columns: of the longest, a filter, only the first words."""
    over = sum(width_of(clean(text)) for text, _ in right) - room
    if over <= 0 or room <= 0:
        return right
    longest = max(range(len(right)), key=lambda at: width_of(clean(right[at][0])))
    text, tone = right[longest]
    cut = whole_words(clean(text).rstrip(), max(LEAST_CUT, width_of(clean(text)) - over - 2))
    return (*right[:longest], (f"{cut}  ", tone), *right[longest + 1 :])


def _titles(here: str | None, room: int) -> tuple[str, ...]:
    """The longest form of the places' titles that fits in `room` columns; one's own place stays whole."""

    def form(place: Place, others: str) -> str:
        return f" {place.key} {place.title} " if place.id == here else others

    forms = (
        tuple(f" {place.key} {place.title} " for place in places()),
        tuple(form(place, f" {place.key} {place.short}") for place in places()),
        tuple(form(place, f" {place.key}{place.short}") for place in places()),
        tuple(form(place, f" {place.key}{place.short[0]}") for place in places()),
    )
    return next((each for each in forms if sum(map(len, each)) <= room), forms[-1])
