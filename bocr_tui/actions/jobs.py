"""What a person can do to batches and jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bocr_tui.actions.action import Action, Confirm, Context, Options, Outcome
from bocr_tui.actions.words import counted
from bocr_tui.catalog.words import JOB_ENDED, BatchState, JobState
from bocr_tui.config.errors import UsageError

_WAITING = (JobState.SUBMITTED, JobState.QUEUED)
_ON_SITE = (*_WAITING, JobState.HELD, JobState.RUNNING)
_LIVING = tuple(state for state in JobState if state not in JOB_ENDED)
_STAGED = tuple(state for state in JobState if state not in (JobState.PLANNED, JobState.REJECTED))
"""Those that have, or had, a folder on the site."""


def _can_submit(context: Context) -> str | None:
    if not context.selection.batches:
        return "No batch is selected."
    states = context.selection.batch_states
    able = {str(BatchState.PLANNED), str(BatchState.ATTENTION)}
    return "These batches are submitted or done already." if states and not states & able else None


def _when(able: Iterable[JobState], otherwise: str, *, one: bool = False) -> Callable[[Context], str | None]:
    """For jobs in one of these states; `one`: for a single job."""
    states_able = {str(state) for state in able}

    def when(context: Context) -> str | None:
        selection = context.selection
        if not selection.jobs:
            return "No job is selected."
        if one and len(selection.jobs) > 1:
            return "That can be done to one job at a time."
        return otherwise if selection.job_states and not selection.job_states & states_able else None

    return when


def _submit(context: Context, options: Options) -> Outcome:
    from bocr_tui.actions.foretelling import wishes_of
    from bocr_tui.control.engine_fitness import check_fit
    from bocr_tui.control.orders import submit_batches
    from bocr_tui.control.wishes import wished

    wishes = wishes_of(options)
    config = wished(context.workspace.config, wishes)
    check_fit(config, config.site, options.stages)
    done = submit_batches(
        context.catalog.open(), config, context.selection.batches, site=config.site, pbs=wishes.pbs
    )
    some = f"{counted(done.pages, 'page')} submitted in {counted(len(done.chains), 'chain')}."
    return Outcome(
        text=some if done.pages else "No page of these batches waits to be submitted.",
        count=done.pages,
        refused=done.refused,
        thing="page",
        next_step="Run `bocr watch` to read them." if done.pages else "Pages that failed are resubmitted.",
        numbers={"pages": done.pages, "chains": list(done.chains), "jobs": list(done.jobs)},
        well=done.pages > 0,
    )


def _asker(kind: str, words: str) -> Callable[[Context, Options], Outcome]:
    """Leaves a request for the driver; `words` says what the jobs are asked to do."""

    def run(context: Context, options: Options) -> Outcome:
        from bocr_tui.control.requests import request

        count = request(context.catalog.open(), kind, context.selection.jobs)
        return Outcome(
            text=f"{counted(count, 'job')} asked {words}." if count else "These jobs have ended already.",
            count=count,
            next_step="Run `bocr watch` if nothing drives the jobs now: it carries the request out."
            if count
            else "",
            numbers={"jobs": count},
        )

    return run


def _settle(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.settling import settle_job

    (job_id,) = context.selection.jobs
    settle_job(context.catalog.open(), job_id, options.choice, options.scheduler_id)
    if options.scheduler_id is not None:
        text = f"The job is taken for {options.scheduler_id}."
    elif options.choice == "ask":
        text = "The site is asked after the job again."
    else:
        text = "The job is taken for one that never ran; its pages are submitted anew."
    numbers = {"job": job_id, "choice": options.choice, "scheduler_id": options.scheduler_id}
    return Outcome(text, 1, numbers=numbers)


def _log(context: Context, options: Options) -> Outcome:
    from bocr_tui.control.requests import watch_log

    if len(context.selection.jobs) != 1:
        raise UsageError("A log is of one job.", "Name one.")
    watch_log(context.catalog.open(), context.selection.jobs[0])
    return Outcome("The job's log is fetched while it is looked at.", 1)


def _job(
    name: str,
    title: str,
    key: str,
    tooltip: str,
    when: Callable[[Context], str | None],
    run: Callable[[Context, Options], Outcome],
    *,
    confirm: Confirm = Confirm.NEVER,
    asks: tuple[str, ...] = (),
    writes: bool = True,
) -> Action:
    return Action(
        id=f"job.{name}",
        title=title,
        tooltip=tooltip,
        key=key,
        group="Jobs",
        command=f"bocr {name}",
        when=when,
        run=run,
        confirm=confirm,
        selects="jobs",
        asks=asks,
        writes=writes,
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
        asks=("site", "stages", "queue", "walltime"),
    ),
    _job(
        "log",
        "Log",
        "l",
        "Show what the job has printed, and what it prints next.",
        _when(_STAGED, "This job has no log: it was never started.", one=True),
        _log,
        writes=False,
    ),
    _job(
        "cancel",
        "Cancel",
        "c",
        "Stop the selected jobs; pages read so far are kept, the others go back to their batch.",
        _when(_LIVING, "These jobs have ended already."),
        _asker("cancel", "to stop"),
        confirm=Confirm.ALWAYS,
    ),
    _job(
        "requeue",
        "Requeue",
        "r",
        "Stop the selected jobs and send the pages they have not read again, in new jobs.",
        _when(_ON_SITE, "Only jobs that wait or run on a site can be requeued."),
        _asker("requeue", "to begin again"),
        confirm=Confirm.ALWAYS,
    ),
    _job(
        "hold",
        "Hold",
        "h",
        "Keep the selected jobs from starting until they are released.",
        _when(_WAITING, "Only jobs that wait in a queue can be held."),
        _asker("hold", "to wait"),
    ),
    _job(
        "release",
        "Release",
        "H",
        "Let the selected jobs start that are held.",
        _when((JobState.HELD,), "Only jobs that are held can be released."),
        _asker("release", "to go on"),
    ),
    _job(
        "settle",
        "Settle",
        "s",
        "Say what became of a job whose submission is unclear.",
        _when((JobState.AMBIGUOUS,), "Only a job whose submission is unclear can be settled.", one=True),
        _settle,
        asks=("choice", "scheduler_id"),
    ),
)
