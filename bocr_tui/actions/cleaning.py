"""Which run folders on a site are no longer needed, and freeing them.

A run folder may go when its chain has ended, every journal has become rows to its end, every results file
lies whole in the workspace, and each result that an attempt names reads back and verifies there. The
site's helper deletes a folder only when its manifest holds the token that the catalog knows.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection, exists, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.results import ResultLocator, ResultUnreadable, read_result
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.words import ChainState, JobState
from bocr_tui.config.errors import SiteError
from bocr_tui.sites.site import open_site
from bocr_tui.sites.transport.base import RunAsk, Transport, TransportLost

if TYPE_CHECKING:
    from bocr_tui.actions.action import Progress
    from bocr_tui.config.workspace import Workspace

_ENDED = tuple(str(state) for state in (JobState.FINISHED, JobState.CANCELLED))
"""A lost job's folder stays: its exit report may still turn up."""

_ATTEMPTS_AT_ONCE = 1000


@dataclass(frozen=True)
class OldRun:
    """A run folder whose chain has ended. `keep` says why it must stay, None when it may go."""

    job_id: int
    token: str
    site: str
    pages: int
    keep: str | None = None


def old_runs(
    workspace: Workspace, catalog: Catalog, progress: Progress | None, stop: threading.Event | None
) -> list[OldRun]:
    """Every run folder that is still there and whose chain has ended, verified. Raises SiteError."""
    with catalog.reading() as connection:
        ended = list(_ended(connection))
    there = _still_there(workspace, ended)
    found = []
    for place, run in enumerate(there, 1):
        if stop is not None and stop.is_set():
            break
        found.append(OldRun(run.job_id, run.token, run.site, run.pages, _why_keep(workspace, catalog, run)))
        if progress is not None:
            progress(place, len(there), run.token)
    return found


@dataclass(frozen=True)
class Freed:
    """What was deleted, and which folders the site would not delete, with its words."""

    runs: tuple[OldRun, ...]
    size_bytes: int
    refused: tuple[OldRun, ...] = ()


def free(workspace: Workspace, catalog: Catalog, runs: Sequence[OldRun]) -> Freed:
    """Delete the folders of `runs` that may go. Raises TransportLost."""
    return asyncio.run(_free(workspace, catalog, [run for run in runs if run.keep is None]))


async def _free(workspace: Workspace, catalog: Catalog, runs: Sequence[OldRun]) -> Freed:
    gone, refused, size_bytes = [], [], 0
    for name in dict.fromkeys(run.site for run in runs):
        transport = open_site(workspace, name).transport
        try:
            for run in (run for run in runs if run.site == name):
                answer = await _remove(transport, run.token)
                if isinstance(answer, str):
                    refused.append(replace(run, keep=answer))
                    continue
                size_bytes += answer
                gone.append(run)
                await asyncio.to_thread(_note, catalog, run)
        finally:
            await transport.close()
    return Freed(tuple(gone), size_bytes, tuple(refused))


async def _remove(transport: Transport, token: str) -> int | str:
    """The bytes freed, or the site's words when it refuses."""
    try:
        answer = await transport.call("remove_run", token)
    except TransportLost:
        raise
    except SiteError as error:
        return error.cause
    return answer if isinstance(answer, int) else 0


def _note(catalog: Catalog, run: OldRun) -> None:
    with catalog.writing() as connection:
        note(connection, "clean", f"Run folder {run.token} removed from {run.site}", job_id=run.job_id)


def _ended(connection: Connection) -> Iterator[OldRun]:
    job, chain = core.job, core.chain
    statement = (
        select(job.c.id, job.c.token, job.c.site, job.c.pages)
        .join(chain, chain.c.id == job.c.chain_id)
        .where(job.c.state.in_(_ENDED), chain.c.state != str(ChainState.LIVE))
        .order_by(job.c.id)
    )
    for row in connection.execute(statement):
        yield OldRun(row.id, row.token, row.site, row.pages)


def _still_there(workspace: Workspace, runs: Sequence[OldRun]) -> list[OldRun]:
    return asyncio.run(_ask_which(workspace, runs))


async def _ask_which(workspace: Workspace, runs: Sequence[OldRun]) -> list[OldRun]:
    there: list[OldRun] = []
    for name in dict.fromkeys(run.site for run in runs):
        transport = open_site(workspace, name).transport
        mine = [run for run in runs if run.site == name]
        try:
            news = await transport.poll([RunAsk(run.token, max_bytes=0) for run in mine])
        finally:
            await transport.close()
        there += [run for run, one in zip(mine, news, strict=True) if one.exists]
    return there


def _why_keep(workspace: Workspace, catalog: Catalog, run: OldRun) -> str | None:
    journal, result = core.journal_cursor, core.result_cursor
    with catalog.reading() as connection:
        unread = select(exists().where(journal.c.job_id == run.job_id, journal.c.state != "complete"))
        if connection.execute(unread).scalar():
            return "its journal has not been read to the end"
        partly = select(exists().where(result.c.job_id == run.job_id, result.c.complete.is_(False)))
        if connection.execute(partly).scalar():
            return "its results have not all been fetched"
    try:
        for locator in _locators(catalog, run.job_id):
            read_result(workspace.results, locator)
    except ResultUnreadable as error:
        return f"a result does not verify in the workspace: {error.cause}"
    return None


def _locators(catalog: Catalog, job_id: int) -> Iterator[ResultLocator]:
    table, after = core.attempt, 0
    while True:
        statement = (
            select(
                table.c.id,
                table.c.result_file,
                table.c.result_offset,
                table.c.result_length,
                table.c.result_sha256,
            )
            .where(table.c.job_id == job_id, table.c.id > after, table.c.result_file.is_not(None))
            .order_by(table.c.id)
            .limit(_ATTEMPTS_AT_ONCE)
        )
        with catalog.reading() as connection:
            rows = connection.execute(statement).all()
        for row in rows:
            yield ResultLocator(row.result_file, row.result_offset, row.result_length, row.result_sha256)
        if len(rows) < _ATTEMPTS_AT_ONCE:
            return
        after = rows[-1].id
