"""A job's log in a terminal: fetched first where it may have grown, then printed, then followed.

What the cluster wrote is hostile: every line is made safe, and cut.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bocr_tui.actions.job_logs import JobLog, job_log
from bocr_tui.catalog.database import Catalog, open_catalog
from bocr_tui.catalog.lists import Reader, open_reader
from bocr_tui.catalog.lists_sites import sites_of
from bocr_tui.catalog.words import JOB_ENDED, JobState
from bocr_tui.cli.call import Call
from bocr_tui.cli.driving import driven
from bocr_tui.cli.output import note, safe, say, write_json
from bocr_tui.config.errors import UsageError
from bocr_tui.control.requests import watch_log
from bocr_tui.report.log_file import LogFile, Seen, log_text

if TYPE_CHECKING:
    from bocr_tui.catalog.list_rows import JobRow
    from bocr_tui.config.workspace import Workspace

FETCH_S = 20.0
"""How long the site may take: a connection, then one look at the journals, which come every five seconds."""

LOOK_EVERY_S = 0.3
RENEW_EVERY_S = 10.0
CHUNK_LINES = 2000

_BEFORE = frozenset(map(str, (JobState.PLANNED, JobState.STAGED, JobState.SUBMITTING)))
_ENDED = frozenset(map(str, JOB_ENDED))


@dataclass(frozen=True)
class LogOrder:
    """Which log, which of its lines (`grep` empty: all) and how many of the last ones (0: all)."""

    job: JobRow
    name: str
    grep: str
    lines: int


def tell_log(call: Call, workspace: Workspace, order: LogOrder) -> None:
    """Print it. Raises UsageError where there is none."""
    found = _found(workspace, order)
    if _may_grow(order.job) and not found.in_place:
        _fetch(workspace, order)
    file = found.file
    seen = file.look()
    if not seen.there:
        raise UsageError(*_why_none(order, found))
    lines = list(_last(_wanted(order, _each(file, 0, seen.lines)), order.lines))
    if call.json:
        write_json(_record(order, found, seen, lines))
        return
    note(f"{order.name} of {order.job.token}: {safe(found.shown)}")
    for line in lines:
        say(line)
    if not lines:
        so_far = "" if order.job.state in _ENDED else " so far"
        note("No line of it holds that." if order.grep else f"The log is empty{so_far}.")
    if order.job.state in _ENDED and order.job.reason:
        note(f"How the job ended: {safe(order.job.reason)}")


def follow_log(workspace: Workspace, order: LogOrder) -> None:
    """Print it and go on until the job has ended. Raises UsageError where there is none and will be none."""
    catalog = open_catalog(workspace.catalog_path, create=False)
    reader = open_reader(workspace.catalog_path)
    try:
        asyncio.run(_follow(workspace, catalog, reader, order))
    finally:
        reader.close()
        catalog.close()


def _may_grow(job: JobRow) -> bool:
    return job.state not in _ENDED and job.state not in _BEFORE


def _found(workspace: Workspace, order: LogOrder) -> JobLog:
    return job_log(workspace, order.job.site, order.job.token, order.name)


def _why_none(order: LogOrder, found: JobLog) -> tuple[str, str]:
    job, what = order.job, f"no {order.name} of job {order.job.token}"
    if job.state in _BEFORE:
        return f"There is {what}: it was not submitted yet.", "`bocr watch` drives it."
    if job.state in _ENDED:
        where = f" It was written to {found.written}." if found.written else ""
        return f"There is {what} here.{where}", f"How it ended: {job.reason or job.cause or job.state}."
    return f"There is {what} yet.", f"The job is {job.state}. {job.reason}".strip()


def _each(file: LogFile, first: int, stop: int) -> Iterator[str]:
    for start in range(first, stop, CHUNK_LINES):
        for line in file.lines(start, min(CHUNK_LINES, stop - start)):
            yield safe(log_text(line))


def _wanted(order: LogOrder, lines: Iterator[str]) -> Iterator[str]:
    if not order.grep:
        return lines
    pattern = re.compile(re.escape(order.grep), re.IGNORECASE)
    return (line for line in lines if pattern.search(line))


def _last(lines: Iterator[str], count: int) -> Iterator[str]:
    return iter(deque(lines, count)) if count else lines


def _record(order: LogOrder, found: JobLog, seen: Seen, lines: Sequence[str]) -> dict[str, Any]:
    return {
        "job": order.job.token,
        "state": order.job.state,
        "log": order.name,
        "file": found.shown,
        "written": found.written,
        "fetched_at": seen.changed_at,
        "total_lines": seen.lines,
        "lines": list(lines),
    }


def _fetch(workspace: Workspace, order: LogOrder) -> None:
    """Have the log brought here, and wait until it is as new as the site's."""
    catalog = open_catalog(workspace.catalog_path, create=False)
    reader = open_reader(workspace.catalog_path)
    try:
        asyncio.run(_fetched(workspace, catalog, reader, order))
    finally:
        reader.close()
        catalog.close()


async def _fetched(workspace: Workspace, catalog: Catalog, reader: Reader, order: LogOrder) -> None:
    asked_at = time.time()
    await asyncio.to_thread(watch_log, catalog, order.job.id)
    ends = time.monotonic() + FETCH_S
    async with driven(workspace, catalog) as driving:
        while time.monotonic() < ends and not driving.done():
            if await asyncio.to_thread(_is_new, reader, order, asked_at):
                return
            await asyncio.wait({driving}, timeout=LOOK_EVERY_S)
        if driving.done():
            driving.result()
    note(f"{order.job.site} did not answer within {FETCH_S:g} s; this is what was fetched before.")


def _is_new(reader: Reader, order: LogOrder, asked_at: float) -> bool:
    """The site's files were looked at since, or the job has ended and will print nothing more."""
    rows = reader.jobs.rows([order.job.id])
    if not rows or rows[0].state in _ENDED:
        return True
    site = next((row for row in sites_of(reader) if row.name == order.job.site), None)
    return site is not None and (site.polled_at or 0.0) > asked_at


class _Tail:
    """What of a growing log was printed. Lines are printed when they have ended."""

    def __init__(self, file: LogFile, order: LogOrder) -> None:
        self._file = file
        self._order = order
        self._printed = 0
        self._generation = -1

    def begin(self, *, ended: bool) -> bool:
        """Print the last lines; False when there is no log here."""
        seen = self._file.look()
        self._generation = seen.generation
        self._printed = seen.lines if ended else seen.whole_lines
        self._print(_last(_wanted(self._order, _each(self._file, 0, self._printed)), self._order.lines))
        return seen.there

    def go_on(self, *, ended: bool) -> None:
        """Print what is new; with `ended` the last line, too, whole or not."""
        seen = self._file.look()
        if seen.generation != self._generation:
            self._printed, self._generation = 0, seen.generation
        upto = seen.lines if ended else seen.whole_lines
        self._print(_wanted(self._order, _each(self._file, self._printed, upto)))
        self._printed = max(self._printed, upto)

    def _print(self, lines: Iterator[str]) -> None:
        for line in lines:
            say(line)
        sys.stdout.flush()


async def _follow(workspace: Workspace, catalog: Catalog, reader: Reader, order: LogOrder) -> None:
    found = _found(workspace, order)
    tail = _Tail(found.file, order)
    ended = order.job.state in _ENDED
    if not tail.begin(ended=ended) and ended:
        raise UsageError(*_why_none(order, found))
    renewed_s = -RENEW_EVERY_S
    async with driven(workspace, catalog) as driving:
        while not ended:
            if time.monotonic() - renewed_s >= RENEW_EVERY_S:
                renewed_s = time.monotonic()
                await asyncio.to_thread(watch_log, catalog, order.job.id)
            await asyncio.wait({driving}, timeout=LOOK_EVERY_S)
            if driving.done():
                driving.result()
            rows = await asyncio.to_thread(reader.jobs.rows, [order.job.id])
            ended = not rows or rows[0].state in _ENDED
            tail.go_on(ended=ended)
