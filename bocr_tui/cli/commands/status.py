"""`bocr status`"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bocr_tui.catalog.lists_sites import autopilot_of, sites_of
from bocr_tui.cli.call import Call, JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.lease import driver_of
from bocr_tui.cli.output import duration, figures, numbered, safe, say, show, table, write_json
from bocr_tui.cli.site_words import site_record, sites_table

if TYPE_CHECKING:
    from bocr_tui.catalog.list_rows import Counts, JobRow
    from bocr_tui.catalog.lists import Reader
    from bocr_tui.config.workspace import Workspace

_JOBS_SHOWN = 10


def status(context: typer.Context, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show how far everything is: documents, pages, batches and jobs by state, failures by class."""
    call = call_of(context)
    answer_status(call, the_workspace(call))


def answer_status(call: Call, workspace: Workspace) -> None:
    """Print it. A workspace without a catalog has nothing in it yet."""
    from bocr_tui.catalog.lists import open_reader

    reader = open_reader(workspace.catalog_path)
    try:
        write_json(_record(workspace, reader)) if call.json else tell_status(workspace, reader)
    finally:
        reader.close()


def tell_status(workspace: Workspace, reader: Reader) -> None:
    """The same for people."""
    from bocr_tui.report.waiting import waiting_seen_by

    counts = reader.counts()
    say(f"Workspace {safe(workspace.root)}")
    show(figures(_lines(counts)))
    if counts.failures:
        show(table("Failed and given up", ("Class", "Pages"), counts.failures.items(), ("Pages",)))
    jobs = _live_jobs(reader)
    if jobs:
        columns = ("Job", "Engine", "State", "Done", "of", "Rate")
        show(table("Jobs under way", columns, map(_job_cells, jobs), ("Done", "of")))
        say(_driver_line(reader))
    _tell_sites(reader)
    waiting = waiting_seen_by(reader)
    if waiting.next_step:
        say(waiting.next_step)


def _tell_sites(reader: Reader) -> None:
    """Sites that do something or are in trouble, and the autopilot if it is on."""
    rows = [row for row in sites_of(reader) if row.is_troubled or row.living_jobs or row.uploading]
    if rows:
        show(sites_table("Sites", rows))
    if autopilot_of(reader).on:
        say("The autopilot is on: it submits what is planned.")


def _lines(counts: Counts) -> list[tuple[str, str, str]]:
    named = (
        ("documents", counts.documents),
        ("pages", counts.pages),
        ("batches", counts.batches),
        ("jobs", counts.jobs),
    )
    return [
        (f"{tally.total:,}", name, ", ".join(f"{n:,} {state}" for state, n in tally.by_state.items()))
        for name, tally in named
    ]


def _live_jobs(reader: Reader) -> list[JobRow]:
    from bocr_tui.catalog.list_query import JobFilter
    from bocr_tui.catalog.words import JOB_ENDED, JobState

    live = JobFilter(states=tuple(str(state) for state in JobState if state not in JOB_ENDED))
    return reader.jobs.rows(reader.jobs.ids(live, "oldest", limit=_JOBS_SHOWN))


def _job_cells(row: JobRow) -> tuple[object, ...]:
    rate = row.heartbeat.get("pages_per_s")
    pace = f"{numbered(rate * 60, '.1f')} pages/min" if isinstance(rate, (int, float)) else ""
    return row.token, row.engine, row.state, row.ok + row.failed, row.pages, pace


def _driver_line(reader: Reader) -> str:
    driver = driver_of(reader)
    if driver is None:
        return "Nothing drives them now: run `bocr watch`."
    who = f"Process {driver['pid']} on {safe(driver['host'])}"
    return f"{who} drives them, seen {duration(driver['age_s'])} ago."


def _record(workspace: Workspace, reader: Reader) -> dict[str, Any]:
    counts = reader.counts()
    autopilot = autopilot_of(reader)
    return {
        "workspace": str(workspace.root),
        "documents": dict(counts.documents.by_state),
        "pages": dict(counts.pages.by_state),
        "batches": dict(counts.batches.by_state),
        "jobs": dict(counts.jobs.by_state),
        "failures": dict(counts.failures),
        "driver": driver_of(reader),
        "sites": [site_record(row) for row in sites_of(reader, workspace.config.sites)],
        "autopilot": {"on": autopilot.on, "reason": autopilot.reason},
    }
