"""Reading pages again by one engine, which is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bocr_tui.actions.action import Options
from bocr_tui.ui.acting import on_rows
from bocr_tui.ui.screens.asking import Pick

if TYPE_CHECKING:
    from bocr_tui.ui.screens.base import PanelScreen

RESUBMIT = "page.resubmit"


async def resubmit_with(screen: PanelScreen[Any], tried: Sequence[str] = ()) -> None:
    """Ask which engine, and read the screen's selected pages again by that one alone. `tried` are those that
    read them before."""
    from bocr_tui.actions.registry import action_named
    from bocr_tui.ui.engines_known import engines_to_choose

    reason, selection = screen.why_not(RESUBMIT), screen.selection()
    if reason is not None:
        screen.panel.tell(reason, "warning")
        return
    rows = on_rows(action_named(RESUBMIT), selection)
    choices = await engines_to_choose(screen.panel.workspace, tried)
    chosen = await screen.panel.push_screen_wait(Pick(f"Read{rows} again with which engine?", choices))
    if chosen is not None:
        await screen.perform(RESUBMIT, selection, Options(engine=chosen))
