"""`bocr cancel`, `bocr requeue`, `bocr hold`, `bocr release` and `bocr settle`"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.config.errors import UsageError

JobsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[JOB]...", help="Jobs by token (its beginning will do) or the scheduler's id."),
]
EveryOption = Annotated[bool, typer.Option("--all", help="Every job under way.")]


def cancel(
    context: typer.Context,
    jobs: JobsArgument = None,
    everything: EveryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop jobs, and those that wait for them. Pages read so far are kept; the others can be submitted
    again."""
    _ask(context, "cancel", jobs, everything)


def requeue(
    context: typer.Context,
    jobs: JobsArgument = None,
    everything: EveryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop jobs and send the pages they have not read again, in new jobs."""
    _ask(context, "requeue", jobs, everything)


def hold(
    context: typer.Context,
    jobs: JobsArgument = None,
    everything: EveryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep jobs that wait in a queue from starting, until they are released."""
    _ask(context, "hold", jobs, everything)


def release(
    context: typer.Context,
    jobs: JobsArgument = None,
    everything: EveryOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let jobs start that are held."""
    _ask(context, "release", jobs, everything)


def settle(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job whose submission is unclear.")],
    ask: Annotated[bool, typer.Option("--ask", help="Ask the site again.")] = False,
    never_ran: Annotated[
        bool, typer.Option("--never-ran", help="It was never taken: submit its pages anew.")
    ] = False,
    scheduler_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="It is the scheduler's job of this id.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what became of a job whose submission nobody could clear up."""
    from bocr_tui.actions.action import NEVER_RAN, Options
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.acting import act, answer
    from bocr_tui.cli.choose_jobs import job_named, selected

    call = call_of(context)
    if [ask, never_ran, scheduler_id is not None].count(True) != 1:
        raise UsageError("What became of it?", "Say one of --ask, --never-ran and --id ID.")
    found = the_workspace(call)
    reader = open_reader(found.catalog_path)
    selection = selected([job_named(reader, job)])
    reader.close()
    options = Options(choice=NEVER_RAN if never_ran else "ask", scheduler_id=scheduler_id)
    answer(call, act(found, "job.settle", selection, options))


def _ask(context: typer.Context, kind: str, jobs: list[str] | None, everything: bool) -> None:
    """Leave the request, and see it through."""
    from bocr_tui.actions.action import Outcome
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.acting import act, answer
    from bocr_tui.cli.choose_jobs import jobs_named, living_jobs, selected
    from bocr_tui.cli.requests import carry_out

    call = call_of(context)
    if bool(jobs) == everything:
        raise UsageError("Which jobs?", "Name them, or say --all; `bocr status` shows those under way.")
    found = the_workspace(call)
    reader = open_reader(found.catalog_path)
    rows = living_jobs(reader) if everything else jobs_named(reader, jobs or [])
    reader.close()
    if not rows:
        raise UsageError("No job is under way.", "")
    selection = selected(rows)
    since = time.time()
    outcome: Outcome = act(found, f"job.{kind}", selection)
    refused = tuple(carry_out(found, kind, selection.jobs, since)) if outcome.count else ()
    well = len(refused) < max(1, outcome.count)
    answer(call, replace(outcome, next_step="", refused=refused, well=well, thing="job"))
