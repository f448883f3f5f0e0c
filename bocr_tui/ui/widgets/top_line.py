"""The two lines above every screen: how the campaign stands, and where one is."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from bocr_tui.ui.places import Place, places
from bocr_tui.ui.safe_text import clean, fit, width_of
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
            shown = fit(text, min(room, width_of(text)))
            line.append(in_order(self, shown), tone_style(self, tone))
            room -= width_of(shown)
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


class TopLine(PartsLine):
    """Workspace and driver, sites that matter now, how old what is shown is, and the counts."""

    def tell(self, standing: Standing) -> None:
        left = _left(standing, wide=self.size.width >= WIDE)
        right = _counts(standing, words=True)
        if sum(width_of(clean(text)) for text, _ in (*left, *right)) + 2 > self.size.width:
            right = _counts(standing, words=False)
        self.show(left, right)


WIDE = 100
"""Columns from which on there is room for what is merely good to know."""


def _left(standing: Standing, *, wide: bool) -> tuple[Part, ...]:
    parts: list[Part] = [("● ", standing.driving_tone), (f"{standing.workspace} ", "strong")]
    driving = (standing.driving, "muted" if standing.driving_tone == "ok" else standing.driving_tone)
    parts += standing.unread or (driving,)
    if standing.stale_s is not None:
        parts.append((f" │ stale {standing.stale_s:.0f} s", "warning"))
    if standing.read_only:
        parts.append((" │ read-only", "warning"))
    parts += standing.sites
    if standing.autopilot:
        parts.append((" │ autopilot", "accent"))
    if standing.activity:
        parts.append((f" │ {standing.activity}", "accent"))
    if wide and not standing.unread and standing.stale_s is None:
        parts.append((" │ live", "muted"))
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
