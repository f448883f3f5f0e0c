"""What a person can do to batches and jobs."""

from __future__ import annotations

from bocr_tui.actions.action import Action, Confirm, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.catalog.words import JOB_ENDED, BatchState


def _can_submit(context: Context) -> str | None:
    if not context.selection.batches:
        return "No batch is selected."
    states = context.selection.batch_states
    able = {str(BatchState.PLANNED), str(BatchState.ATTENTION)}
    return "These batches are submitted or done already." if states and not states & able else None


def _can_cancel(context: Context) -> str | None:
    if not context.selection.jobs:
        return "No job is selected."
    states = context.selection.job_states
    ended = {str(state) for state in JOB_ENDED}
    return "These jobs have ended already." if states and states <= ended else None


def _submit(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.orders import submit_batches

    done = submit_batches(
        context.catalog.open(), context.workspace.config, context.selection.batches, site=options.site
    )
    some = f"{counted(done.pages, 'page')} submitted in {counted(len(done.chains), 'chain')}."
    return Outcome(
        text=some if done.pages else "No page of these batches waits to be submitted.",
        count=done.pages,
        refused=done.refused,
        next_step="Run `bocr watch` to read them." if done.pages else "Pages that failed are resubmitted.",
        numbers={"pages": done.pages, "chains": list(done.chains), "jobs": list(done.jobs)},
        well=done.pages > 0,
    )


def _cancel(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.requests import request

    count = request(context.catalog.open(), "cancel", context.selection.jobs)
    return Outcome(
        text=f"{counted(count, 'job')} asked to stop.",
        count=count,
        next_step="Run `bocr watch` if nothing drives the jobs now: it carries the request out."
        if count
        else "",
        numbers={"jobs": count},
    )


JOB_ACTIONS = (
    Action(
        id="batch.submit",
        title="Submit",
        tooltip="Send the selected batches through the pipeline's stages.",
        key="s",
        group="Batches",
        command="bocr submit",
        when=_can_submit,
        run=_submit,
        confirm=Confirm.ALWAYS,
        selects="batches",
        asks=("site",),
    ),
    Action(
        id="job.cancel",
        title="Cancel",
        tooltip="Stop the selected jobs; pages read so far are kept, the others go back to their batch.",
        key="c",
        group="Jobs",
        command="bocr cancel",
        when=_can_cancel,
        run=_cancel,
        confirm=Confirm.ALWAYS,
        selects="jobs",
    ),
)
