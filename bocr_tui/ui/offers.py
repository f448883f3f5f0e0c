"""What can be done on a screen now, with its keys and why it cannot: what help and palette show.

It is read off the screen's own bindings and off the registry of actions, so that nothing is listed twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.app import App

from bocr_tui.actions.action import Action, Selection
from bocr_tui.actions.registry import ACTIONS
from bocr_tui.ui.screens.base import PanelScreen
from bocr_tui.ui.typed import said_as

if TYPE_CHECKING:
    from textual.binding import ActiveBinding
    from textual.dom import DOMNode
    from textual.screen import Screen

    from bocr_tui.ui.app import BocrApp

ANYWHERE, MOVING, HERE, ROWS = "Anywhere", "Moving about", "This screen", "What is selected"

ORDER = (ROWS, HERE, MOVING, ANYWHERE)
"""Of the groups: what one came for first."""

NEEDED = ("paths", "destination", "setting")
"""Options without which an action can do nothing: they are typed."""

_BY_ID = {action.id: action for action in ACTIONS}


@dataclass(frozen=True)
class Offer:
    """One thing to do. `keys` are as people write them, empty where there is none; `run` does it."""

    id: str
    group: str
    keys: tuple[str, ...]
    title: str
    tooltip: str
    why_not: str | None
    run: Callable[[], object]
    in_footer: bool = False


def offers(screen: Screen[Any], panel: BocrApp) -> list[Offer]:
    """Everything that has a key on `screen`, in groups."""
    found: dict[tuple[str, str], Offer] = {}
    for active in screen.active_bindings.values():
        offer = _offer(active, screen, panel)
        if offer is None:
            continue
        known = found.get((offer.group, offer.id))
        keys = offer.keys if known is None else (*known.keys, *(k for k in offer.keys if k not in known.keys))
        found[offer.group, offer.id] = Offer(**{**vars(offer), "keys": keys})
    return sorted(found.values(), key=lambda offer: (ORDER.index(offer.group), not offer.in_footer))


def more_offers(screen: Screen[Any], panel: BocrApp) -> list[Offer]:
    """The actions without a key here that act on the workspace, or on the kind of rows that is selected."""
    if not isinstance(screen, PanelScreen):
        return []
    bound = {active.binding.id for active in screen.active_bindings.values()}
    return [
        _action_offer(action, screen, panel)
        for action in ACTIONS
        if action.id not in bound and (action.selects is None or _holds(screen.selection(), action))
    ]


def _holds(selection: Selection, action: Action) -> bool:
    return bool(getattr(selection, str(action.selects)))


def _offer(active: ActiveBinding, screen: Screen[Any], panel: BocrApp) -> Offer | None:
    """None for what the framework binds beside ours: ours have a tooltip."""
    binding = active.binding
    if binding.system or not binding.tooltip:
        return None
    action = _BY_ID.get(binding.id or "")
    return Offer(
        binding.id or binding.action,
        ROWS if action is not None else _group(active.node, screen),
        (panel.get_key_display(binding),),
        binding.description,
        binding.tooltip,
        screen.why_not(action.id) if action is not None and isinstance(screen, PanelScreen) else None,
        lambda: panel.run_action(binding.action, active.node),
        binding.show,
    )


def _group(node: DOMNode, screen: Screen[Any]) -> str:
    return ANYWHERE if isinstance(node, App) else HERE if node is screen else MOVING


def _action_offer(action: Action, screen: PanelScreen[Any], panel: BocrApp) -> Offer:
    def run() -> None:
        if set(action.asks) & set(NEEDED):
            panel.ask_command(f"{said_as(action)} ")
        else:
            screen.action_act(action.id)

    why_not = screen.why_not(action.id)
    return Offer(
        action.id, ROWS if action.selects else ANYWHERE, (), action.title, action.tooltip, why_not, run
    )


def grouped(found: list[Offer]) -> Iterator[tuple[str, list[Offer]]]:
    """The groups that hold anything, in their order."""
    for group in ORDER:
        members = [offer for offer in found if offer.group == group]
        if members:
            yield group, members
