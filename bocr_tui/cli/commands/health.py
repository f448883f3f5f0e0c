"""`bocr health`"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of, the_workspace
from bocr_tui.cli.output import duration, figures, numbered, safe, say, show, table, write_json

if TYPE_CHECKING:
    from bocr_tui.report.happenings import Happening
    from bocr_tui.report.health import Health

BUCKETS = 60
"""Of the window: as many as fit beside a line's words."""

BARS = " ▁▂▃▄▅▆▇█"


def health(
    context: typer.Context,
    hours: Annotated[float, typer.Option("--hours", min=0.1, max=720, help="Look back so far.")] = 6.0,
    events: Annotated[int, typer.Option("--events", min=0, help="So many lines of what happened.")] = 20,
    site: Annotated[str | None, typer.Option("--site", help="Only what happened on this site.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how fast pages are read, what the jobs use, why pages fail, what is left, and what happened."""
    from bocr_tui.catalog.happenings import events_of
    from bocr_tui.catalog.lists import open_reader
    from bocr_tui.cli.site_words import site_record
    from bocr_tui.report.happenings import grouped
    from bocr_tui.report.health import health_of, health_record

    call = call_of(context)
    found = the_workspace(call)
    now = time.time()
    reader = open_reader(found.catalog_path)
    try:
        told = health_of(reader, now, hours * 3600, BUCKETS, found.config.sites)
        happened = grouped(events_of(reader, site=site, since=now - hours * 3600))[:events]
    finally:
        reader.close()
    if call.json:
        record = health_record(told)
        record["sites"] = [site_record(row) for row in told.sites]
        record["events"] = [_event_record(each) for each in happened]
        write_json(record)
        return
    _tell(told, hours)
    _tell_events(happened)


def _event_record(each: Happening) -> dict[str, Any]:
    return {name: value for name, value in vars(each).items() if name != "id"}


def _tell(told: Health, hours: float) -> None:
    from bocr_tui.report.health import pace_words

    pace, vitals, left = told.pace, told.vitals, told.left
    lines = [
        (f"{left.pages_per_min:,.1f}", "pages a minute", f"{_bars(pace.pages)} the last {hours:g} h"),
        (f"{sum(pace.pages):,}", "verdicts in that time", f"{sum(pace.ok):,} ok; one a page and stage"),
    ]
    if any(pace.tokens):
        rate = pace.tokens_per_s[-1]
        lines.append((f"{rate:,.0f}", "tokens a second", _bars(pace.tokens)))
    lines.append((f"{vitals.jobs:,}", "jobs running", _jobs(told)))
    if vitals.gpus is not None:
        busy = "" if vitals.gpu_percent is None else f"{vitals.gpu_percent:.0f} % busy"
        lines.append((f"{vitals.gpus:,}", "GPUs", busy))
    if vitals.server_running is not None or vitals.server_waiting is not None:
        waiting = f"{numbered(vitals.server_waiting, ',.0f')} waiting"
        lines.append((numbered(vitals.server_running, ",.0f"), "requests at model servers", waiting))
    words, _ = pace_words(told, duration)
    eta = f"{words} left" if left.eta_s is not None else words
    lines.append((f"{left.waiting:,}", "pages queued or running", eta if left.waiting else ""))
    if left.planned_batches:
        takes = f"about {duration(left.planned_s)} of jobs"
        name = "batch" if left.planned_batches == 1 else "batches"
        lines.append((f"{left.planned_batches:,}", f"{name} planned, not sent", takes))
    show(figures(lines))
    if told.failures:
        show(table("Failed and given up", ("Class", "Pages"), told.failures.items(), ("Pages",)))


def _jobs(told: Health) -> str:
    said = [f"{told.vitals.silent:,} not heard of lately"] if told.vitals.silent else []
    said += [f"{count:,} ended {cause.replace('_', ' ')}" for cause, count in told.lately.ended.items()]
    said += [f"{told.lately.restarts:,} begun again"] if told.lately.restarts else []
    return ", ".join(said)


def _bars(values: tuple[int, ...]) -> str:
    """A line of bars, the oldest first."""
    most = max(values, default=0)
    if not most:
        return ""
    return "".join(BARS[-(-value * (len(BARS) - 1) // most)] for value in values)


def _tell_events(happened: list[Happening]) -> None:
    if not happened:
        say("Nothing happened in that time.")
        return
    rows = [
        (
            time.strftime("%m-%d %H:%M", time.localtime(each.at)),
            each.site,
            each.text + (f" (×{each.count})" if each.count > 1 else ""),
        )
        for each in happened
    ]
    show(table("What happened", ("When", "Site", "What"), ([safe(cell) for cell in row] for row in rows)))
