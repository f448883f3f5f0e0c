"""Every action there is, in the order a person meets them."""

from __future__ import annotations

from bocr_tui.actions.action import Action
from bocr_tui.actions.documents import DOCUMENT_ACTIONS
from bocr_tui.actions.foretelling import FORETELLING_ACTIONS
from bocr_tui.actions.jobs import JOB_ACTIONS
from bocr_tui.actions.pages import PAGE_ACTIONS
from bocr_tui.actions.reviewing import REVIEWING_ACTIONS
from bocr_tui.actions.settings import SETTING_ACTIONS
from bocr_tui.actions.sites import SITE_ACTIONS
from bocr_tui.actions.unplanning import UNPLANNING_ACTIONS
from bocr_tui.actions.workspace import WORKSPACE_ACTIONS

ACTIONS: tuple[Action, ...] = (
    *WORKSPACE_ACTIONS,
    *SETTING_ACTIONS,
    *DOCUMENT_ACTIONS,
    *FORETELLING_ACTIONS,
    *UNPLANNING_ACTIONS,
    *JOB_ACTIONS,
    *SITE_ACTIONS,
    *PAGE_ACTIONS,
    *REVIEWING_ACTIONS,
)


def action_named(action_id: str) -> Action:
    """Raises KeyError for an id that is none: a bug of the caller's, not the person's."""
    for action in ACTIONS:
        if action.id == action_id:
            return action
    raise KeyError(action_id)


def actions_on(kind: str | None) -> tuple[Action, ...]:
    """The actions that act on `pages`, `batches`, `jobs` or `sites`; None: on the whole workspace."""
    return tuple(action for action in ACTIONS if action.selects == kind)
