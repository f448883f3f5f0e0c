"""`bocr submit`, `bocr watch` and `bocr cancel`"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.catalog.lists import Reader


def submit(
    context: typer.Context,
    batches: Annotated[
        list[str] | None,
        typer.Argument(metavar="[BATCH]...", help="Batches by name; all planned ones if none."),
    ] = None,
    site: Annotated[
        str | None, typer.Option("--site", help="Where; the configuration's site if not said.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Drive the jobs until they have ended.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send planned batches through the pipeline."""
    from bocr_tui.actions.action import Options, Selection
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.acting import act, answer, tell_refused

    call = call_of(context)
    found = the_workspace(call)
    reader = open_reader(found.catalog_path)
    ids = batches_named(reader, batches) if batches else _planned(reader)
    reader.close()
    if not ids:
        raise UsageError(
            "Nothing is planned.", "Run `bocr plan` for new pages, `bocr watch` for submitted ones."
        )
    outcome = act(found, "batch.submit", Selection(batches=tuple(ids)), Options(site=site))
    if not wait or not outcome.count:
        answer(call, outcome)
    tell_refused(outcome)
    from bocr_tui.cli.finish import watch_and_tell

    watch_and_tell(call, found)


def watch(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Drive and follow the jobs until nothing is under way; takes over when another driver ends."""
    from bocr_tui.cli.finish import watch_and_tell

    call = call_of(context)
    watch_and_tell(call, the_workspace(call))


def cancel(
    context: typer.Context,
    jobs: Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Jobs by token.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every job under way.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop jobs. Pages read so far are kept; the others can be submitted again."""
    from bocr_tui.actions.action import Selection
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.acting import act, answer
    from bocr_tui.cli.requests import carry_out

    call = call_of(context)
    if bool(jobs) == everything:
        raise UsageError("Which jobs?", "Name them, or say --all; `bocr status` shows those under way.")
    found = the_workspace(call)
    reader = open_reader(found.catalog_path)
    ids = _living(reader) if everything else _jobs_named(reader, jobs or [])
    reader.close()
    if not ids:
        raise UsageError("No job is under way.", "")
    outcome = act(found, "job.cancel", Selection(jobs=tuple(ids)))
    carry_out(found)
    answer(call, replace(outcome, next_step=""))


def _planned(reader: Reader) -> list[int]:
    """Batches with pages that wait, those that need attention for other pages among them."""
    from bocr_tui.report.waiting import UNSUBMITTED

    planned = f"SELECT DISTINCT batch_id FROM page WHERE {UNSUBMITTED} ORDER BY batch_id"  # noqa: S608
    with reader.snapshot() as connection:
        return [row[0] for row in connection.execute(planned)]


def batches_named(reader: Reader, names: list[str]) -> list[int]:
    """Their ids. Raises UsageError for a name that is none."""
    with reader.snapshot() as connection:
        known = dict(connection.execute("SELECT name, id FROM batch"))
    for name in names:
        if name not in known:
            raise UsageError(
                f"There is no batch {name!r}.", "`bocr status` counts them; the panel lists them."
            )
    return [known[name] for name in names]


def _living(reader: Reader) -> list[int]:
    from bocr_tui.catalog.list_query import JobFilter
    from bocr_tui.catalog.words import JOB_ENDED, JobState

    live = tuple(str(state) for state in JobState if state not in JOB_ENDED)
    return list(reader.jobs.ids(JobFilter(states=live), "oldest"))


def _jobs_named(reader: Reader, tokens: list[str]) -> list[int]:
    with reader.snapshot() as connection:
        known = dict(connection.execute("SELECT token, id FROM job"))
    for token in tokens:
        if token not in known:
            raise UsageError(f"There is no job {token!r}.", "`bocr status` shows those under way.")
    return [known[token] for token in tokens]
