"""Taking planned batches apart again."""

from __future__ import annotations

from bocr_tui.actions.action import Action, Confirm, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.catalog.words import BatchState


def _can_unplan(context: Context) -> str | None:
    if not context.selection.batches:
        return "No batch is selected."
    states = context.selection.batch_states
    never = "Only planned batches can be taken apart, of which nothing was submitted."
    return never if states and str(BatchState.PLANNED) not in states else None


def _unplan(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.unplanning import unplan

    done = unplan(
        context.catalog.open(),
        context.selection.batches,
        dry_run=not options.act,
        progress=options.progress,
        stop=options.stop,
    )
    batches = counted(done.batches, "batch")
    taken, pages = ("taken apart", "are") if options.act else ("would be taken apart", "would be")
    again = f"{counted(done.pages, 'page')} {'is' if options.act and done.pages == 1 else pages} new again"
    return Outcome(
        text=f"{batches} {taken}: {again}." if done.batches else "No batch can be taken apart.",
        count=done.batches,
        refused=done.refused,
        thing="batch",
        next_step="Run `bocr plan` to plan them again." if done.pages and options.act else "",
        numbers={
            "batches": done.batches,
            "pages": done.pages,
            "refused": len(done.refused),
            "dry_run": not options.act,
        },
        well=done.batches > 0,
    )


UNPLANNING_ACTIONS = (
    Action(
        id="batch.unplan",
        title="Unplan",
        tooltip="Take the selected batches apart, of which nothing was submitted: their pages are new again.",
        key="U",
        group="Batches",
        command="bocr unplan",
        when=_can_unplan,
        run=_unplan,
        confirm=Confirm.ALWAYS,
        selects="batches",
    ),
)
