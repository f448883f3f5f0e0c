"""Actions as keys: what a screen offers on the rows it shows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.binding import Binding

from bocr_tui.actions.action import Options
from bocr_tui.actions.registry import action_named
from bocr_tui.catalog.words import PageState
from bocr_tui.config.errors import BocrError
from bocr_tui.ui.reading import Lane
from bocr_tui.ui.wording import things

if TYPE_CHECKING:
    from bocr_tui.actions.action import Action, Selection
    from bocr_tui.catalog.lists import Reader
    from bocr_tui.ui.app import BocrApp
    from bocr_tui.ui.doing import Said

MOST_NAMED = 200
"""Rows whose names stand in a command that is shown: more is no line any more."""

LEFT_AS_IT_IS = "Nothing was done: all is left as it was."

READ_IN_FULL = frozenset({"batch.foretell", "batch.script"})
"""Actions whose answer is a text to be read, too long for a word in passing."""

_PLURALS = {"batches": "batch"}


def action_binding(action_id: str, *, show: bool = True) -> Binding:
    """The key of an action of the registry, for a screen."""
    action = action_named(action_id)
    assert action.key is not None
    return Binding(
        action.key, f"act('{action_id}')", action.title, show=show, tooltip=action.tooltip, id=action_id
    )


def may(panel: BocrApp, action_id: str, selection: Selection) -> bool:
    """Whether it can be done now; `act` says why not."""
    return panel.doer.why_not(action_named(action_id), selection) is None


async def act(panel: BocrApp, action_id: str, selection: Selection, options: Options | None = None) -> bool:
    """Run an action on a selection: say why not, ask where it must be asked, tell what happened.

    One that waits for an undo goes to the outbox. Returns whether it was done, or is going to be.
    """
    action, options = action_named(action_id), options or Options()
    reason = panel.doer.why_not(action, selection)
    if reason is not None:
        panel.tell(reason, "warning")
        return False
    if panel.doer.must_confirm(action, selection):
        if not await confirm(panel, action, selection, options):
            panel.tell(LEFT_AS_IT_IS)
            return False
    elif action.waits:
        return await wait(panel, action, selection, options)
    await carry_out(panel, action, selection, options)
    return True


async def carry_out(panel: BocrApp, action: Action, selection: Selection, options: Options) -> None:
    """Do it, and tell what happened."""
    said = await panel.doer.run(action, selection, options, driven=panel.is_driven)
    if action.id in READ_IN_FULL and said.severity != "error":
        from bocr_tui.ui.screens.entering import Paper

        panel.push_screen(Paper(f"{action.title}{on_rows(action, selection)}", said.text, wrap=True))
        return
    panel.tell(f"{said.text}{_how(action, selection, options, said)}", said.severity)
    await panel.look_now()


async def wait(panel: BocrApp, action: Action, selection: Selection, options: Options) -> bool:
    """Put into the outbox what can be done, and say at once what cannot be. False when nothing of it can, or
    one of the rows waits there already."""
    if panel.outbox.holds(action, selection):
        panel.tell("That waits to be sent already; u takes it back.")
        return False
    waiting, able = panel.outbox.put(action, selection, options), selection
    try:
        able, said = await panel.doer.foresee(action, selection, options)
        if said is not None:
            panel.tell(f"{said.text}{_how(action, selection, options, said)}", said.severity)
    finally:  # what is asked here ends with the screen one asked from; the order does not
        if rows_of(action, able):
            panel.outbox.count_down(waiting, able)
        else:
            panel.outbox.drop(waiting)
    return bool(rows_of(action, able))


def _how(action: Action, selection: Selection, options: Options, said: Said) -> str:
    """How what was refused for want of an engine is done all the same."""
    read = not selection.page_states or str(PageState.OK) in selection.page_states
    wants_one = action.id == "page.resubmit" and options.engine is None and read
    return " w asks which, or :resubmit engine=NAME." if wants_one and said.severity == "warning" else ""


def rows_of(action: Action, selection: Selection) -> tuple[int | str, ...]:
    """The selected rows of the kind that it acts on."""
    return tuple(getattr(selection, action.selects)) if action.selects else ()


async def confirm(panel: BocrApp, action: Action, selection: Selection, options: Options) -> bool:
    """Ask whether really: on how many rows, what it costs, and which command would do the same."""
    from bocr_tui.ui.screens.asking import Confirm

    command = action.twin(selection, options, await names_of(panel, action, selection))
    return await panel.push_screen_wait(
        Confirm(
            f"{action.title}{on_rows(action, selection)}?",
            action.tooltip,
            action.title,
            command=command,
            costs=partial(panel.doer.costs, action, selection, options),
        )
    )


def on_rows(action: Action, selection: Selection) -> str:
    """` 3 pages`; empty where it acts on no rows."""
    rows = len(rows_of(action, selection))
    thing = _PLURALS.get(str(action.selects), str(action.selects).rstrip("s"))
    return f" {things(rows, thing, str(action.selects))}" if rows else ""


async def names_of(panel: BocrApp, action: Action, selection: Selection) -> tuple[str, ...]:
    """What the command line calls the selected rows; nothing for what goes by id, and for too many."""
    kind = action.selects
    ids = getattr(selection, kind) if kind in ("batches", "jobs", "documents") else ()
    if not ids or len(ids) > MOST_NAMED:
        return ()

    def ask(reader: Reader) -> tuple[str, ...]:
        if kind == "batches":
            return tuple(row.name for row in reader.batches.rows(ids))
        if kind == "jobs":
            return tuple(row.token for row in reader.jobs.rows(ids))
        return tuple(row.sha256[:16] for row in reader.documents.rows(ids))

    try:
        return await panel.reading.ask(Lane.ROWS, ask)
    except BocrError:
        return ()
