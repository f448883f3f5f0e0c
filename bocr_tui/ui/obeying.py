"""Carrying out what was typed on the command line."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from bocr_tui.config.errors import UsageError
from bocr_tui.ui.completing import Vocabulary
from bocr_tui.ui.places import place_named, places
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.typed import Typed, nearest, parse
from bocr_tui.ui.work import begin

if TYPE_CHECKING:
    from bocr_tui.actions.action import Action, Selection
    from bocr_tui.ui.app import BocrApp

KINDS = ("pages", "batches", "jobs", "documents", "sites")


def ask_and_obey(panel: BocrApp, line: str = "") -> None:
    """Let a command be typed, beginning with `line`, and do it on the screen one stood on.

    The line is pushed before the next key is looked at: what is typed on blindly never acts on the screen.
    """
    from bocr_tui.ui.screens.command_line import CommandLine

    def said(typed: str | None) -> None:
        if typed is not None:
            begin(panel, partial(obey, panel, typed), group="command")

    panel.push_screen(CommandLine(vocabulary(panel), line, learn_engines), said)


async def obey(panel: BocrApp, line: str) -> None:
    """Do what the line says; what is wrong with it is told."""
    screen = panel.screen
    if not isinstance(screen, PanelScreen):
        return
    try:
        typed = parse(line, [place.id for place in places()], kind_of(screen.selection()))
        if typed.action is not None:
            await screen.perform(typed.action.id, _selected_for(typed.action, screen), typed.options)
        else:
            await _move(panel, screen, typed)
    except UsageError as error:
        panel.tell(f"{error.cause} {error.next_step}".strip(), "warning")


def _selected_for(action: Action, screen: PanelScreen[None]) -> Selection:
    """What the screen selects. Raises UsageError, which says where, when it has no rows of the action's
    kind."""
    selection = screen.selection()
    kind = action.selects
    place = place_named(kind) if kind else None
    if place is not None and place.id != screen.PLACE and not getattr(selection, place.id):
        raise UsageError(
            f"{action.title} acts on {kind}, and none is selected here.",
            f"They are at {place.key}, {place.title}.",
        )
    return replace(selection, autopilot_on=screen.panel.sight.autopilot.on)


async def _move(panel: BocrApp, screen: PanelScreen[None], typed: Typed) -> None:
    """What moves the panel itself. Raises UsageError."""
    known = {"filter": screen.filter_by, "sort": screen.sort_by, "go": panel.go_to, "theme": panel.wear}
    if typed.verb in known:
        known[typed.verb](typed.rest)
        return
    done = getattr(panel, {"quit": "action_leave"}.get(typed.verb, f"action_{typed.verb}"))()
    if inspect.isawaitable(done):
        await done


def kind_of(selection: Selection) -> str | None:
    """Of which kind the selected rows are."""
    return next((kind for kind in KINDS if getattr(selection, kind)), None)


def vocabulary(panel: BocrApp) -> Vocabulary:
    """What can be typed on this screen, but for the engines."""
    screen = panel.screen
    if not isinstance(screen, PanelScreen):
        return Vocabulary()
    return Vocabulary(
        places={place.id: f"To {place.title}: {place.tooltip}" for place in places()},
        values={
            "go": [place.id for place in places()],
            "filter": screen.filter_words(),
            "sort": screen.sort_words(),
            "theme": sorted(panel.available_themes),
            "site": sorted(panel.site_facts),
            "choice": ["ask", "never_ran"],
        },
        selects=kind_of(screen.selection()),
    )


async def learn_engines(known: Vocabulary) -> Vocabulary:
    """The vocabulary with the engines, whose modules are not imported before."""
    engines = await asyncio.to_thread(engine_names)
    return replace(known, values={**known.values, "engine": engines, "stages": engines})


@cache
def engine_names() -> tuple[str, ...]:
    """Every engine there is. Imports their modules: not for the loop that draws."""
    from bocr_worker.engines.registry import all_engines

    return tuple(sorted(all_engines()))


def place_called(said: str) -> str:
    """The place's id, by the beginning of its name or by its key. Raises UsageError."""
    said = said.strip().casefold()
    for place in places():
        if said and (place.id.startswith(said) or said == place.key):
            return place.id
    ids = [place.id for place in places()]
    raise UsageError(
        f"There is no place {said!r}.", nearest(said, ids) if said else f"Places: {', '.join(ids)}."
    )
