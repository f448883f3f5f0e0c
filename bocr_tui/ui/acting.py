"""Actions as keys: what a screen offers on the rows it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from bocr_tui.actions.registry import action_named
from bocr_tui.ui.screens.asking import Confirm
from bocr_tui.ui.wording import things

if TYPE_CHECKING:
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.ui.app import BocrApp


def action_binding(action_id: str, *, show: bool = True) -> Binding:
    """The key of an action of the registry, for a screen that has `action_act`."""
    action = action_named(action_id)
    assert action.key is not None
    return Binding(
        action.key, f"act('{action_id}')", action.title, show=show, tooltip=action.tooltip, id=action_id
    )


def may(panel: BocrApp, action_id: str, selection: Selection) -> bool:
    """Whether it can be done now; `act` says why not."""
    return panel.doer.why_not(action_named(action_id), selection) is None


async def act(panel: BocrApp, action_id: str, selection: Selection, options: Options | None = None) -> None:
    """Run an action on a selection: say why not, ask where it must be asked, tell what happened."""
    action = action_named(action_id)
    reason = panel.doer.why_not(action, selection)
    if reason is not None:
        panel.tell(reason, "warning")
        return
    if panel.doer.must_confirm(action, selection):
        rows = len(getattr(selection, action.selects)) if action.selects else 0
        on = f" {things(rows, str(action.selects).rstrip('s'))}" if rows else ""
        if not await panel.push_screen_wait(Confirm(f"{action.title}{on}?", action.tooltip, action.title)):
            return
    said = await panel.doer.run(action, selection, options, driven=panel.is_driven)
    panel.tell(said.text, said.severity)
    await panel.look_now()
