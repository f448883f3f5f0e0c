"""`bocr batches` and `bocr jobs`"""

from __future__ import annotations

import itertools
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of
from bocr_tui.cli.commands.lists import (
    SHOWN,
    AllOption,
    LimitOption,
    filter_option,
    open_the_reader,
    say_how_many,
)
from bocr_tui.cli.output import show, stream_json, table
from bocr_worker.protocol.heartbeat import Heartbeat, read_heartbeat

if TYPE_CHECKING:
    from bocr_tui.catalog.list_rows import BatchRow, JobRow

BatchWords = Annotated[str, filter_option("state:attention pages>500 created<2d")]
JobWords = Annotated[str, filter_option("cause:walltime site:gpu failed>0")]

StateOption = Annotated[
    list[str] | None, typer.Option("--state", help="Only in this state; may be repeated.")
]


def batches(
    context: typer.Context,
    state: StateOption = None,
    text: Annotated[str, typer.Option("--text", help="Only with this in the name.")] = "",
    words: BatchWords = "",
    limit: LimitOption = None,
    everything: AllOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the batches, and how their pages stand."""
    from bocr_tui.catalog.filter_fields import BATCH_FIELDS
    from bocr_tui.catalog.filter_language import parse
    from bocr_tui.catalog.list_query import BatchFilter
    from bocr_tui.catalog.words import BatchState

    call = call_of(context)
    wanted = BatchFilter(_known(state or [], BatchState, "batch"), text, parse(words, BATCH_FIELDS))
    rows = open_the_reader(call).batches
    if call.json:
        stream_json(_batch_record(row) for row in itertools.islice(rows.each(wanted, "newest"), limit))
        return
    ids = rows.ids(wanted, "newest", limit=limit)
    shown = rows.rows(ids if everything else ids[:SHOWN])
    columns = ("Batch", "State", "Pages", "ok", "failed", "Documents")
    show(table("", columns, map(_batch_cells, shown), ("Pages", "ok", "failed", "Documents")))
    count = partial(rows.count, wanted, "newest")
    say_how_many(len(shown), len(ids), "batches", "batch", limit=limit, count=count)


def jobs(
    context: typer.Context,
    state: StateOption = None,
    troubled: Annotated[bool, typer.Option("--troubled", help="Only those that went wrong.")] = False,
    words: JobWords = "",
    limit: LimitOption = None,
    everything: AllOption = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the jobs, the newest first: where each is, and why it waits or ended."""
    from bocr_tui.catalog.filter_fields import JOB_FIELDS
    from bocr_tui.catalog.filter_language import parse
    from bocr_tui.catalog.list_query import JobFilter
    from bocr_tui.catalog.words import JobState

    call = call_of(context)
    states = _known(state or [], JobState, "job")
    wanted = JobFilter(states=states, troubled=troubled, terms=parse(words, JOB_FIELDS))
    rows = open_the_reader(call).jobs
    if call.json:
        stream_json(_job_record(row) for row in itertools.islice(rows.each(wanted, "newest"), limit))
        return
    ids = rows.ids(wanted, "newest", limit=limit)
    shown = rows.rows(ids if everything else ids[:SHOWN])
    columns = ("Job", "Site", "Id there", "Stage", "Engine", "State", "ok", "failed", "Pages", "Why")
    show(table("", columns, map(_job_cells, shown), ("Stage", "ok", "failed", "Pages")))
    count = partial(rows.count, wanted, "newest")
    say_how_many(len(shown), len(ids), "jobs", "job", limit=limit, count=count)


def _known(names: list[str], states: type[StrEnum], thing: str) -> tuple[str, ...]:
    from bocr_tui.config.errors import UsageError

    known = sorted(str(state) for state in states)
    for name in names:
        if name not in known:
            raise UsageError(f"There is no {thing} state {name!r}.", f"There are: {', '.join(known)}.")
    return tuple(names)


def _batch_record(row: BatchRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "state": row.state,
        "pages": row.pages,
        "ok": row.tally.ok,
        "failed": row.tally.failed,
        "documents": row.documents,
        "estimated_s": row.estimated_s,
    }


def _batch_cells(row: BatchRow) -> tuple[object, ...]:
    return row.name, row.state, row.pages, row.tally.ok, row.tally.failed, row.documents


def _job_record(row: JobRow) -> dict[str, Any]:
    return {
        "token": row.token,
        "site": row.site,
        "scheduler_id": row.scheduler_id,
        "stage": row.stage + 1,
        "try": row.try_number,
        "engine": row.engine,
        "state": row.state,
        "cause": row.cause,
        "reason": row.reason,
        "pages": row.pages,
        "ok": row.ok,
        "failed": row.failed,
        "submitted_at": row.submitted_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "heartbeat_at": row.heartbeat_at,
        "heartbeat": _heartbeat(read_heartbeat(row.heartbeat)),
        "batches": list(row.batches),
    }


def _heartbeat(beat: Heartbeat) -> dict[str, Any]:
    """What a job's last heartbeat says; at its end that is what starting, idling and restarts cost it."""
    return {name: value for name, value in asdict(beat).items() if name != "at" and value not in (None, {})}


def _job_cells(row: JobRow) -> tuple[object, ...]:
    state = f"{row.state}: {row.cause}" if row.cause else row.state
    where = (row.token, row.site, row.scheduler_id, row.stage + 1, row.engine, state)
    return (*where, row.ok, row.failed, row.pages, row.reason)
