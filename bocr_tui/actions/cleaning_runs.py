"""Which run folders on a site are no longer needed.

A run folder may go when its chain has ended, every journal has become rows to its end, every results file
lies whole in the workspace, and each result that an attempt names reads back and verifies there.
"""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import exists, select

from bocr_tui.actions.cleaning_things import Kind, Thing
from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.results import ResultLocator, ResultUnreadable, read_result
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.words import ChainState, JobState
from bocr_tui.sites.transport.base import RunAsk, RunNews, Transport

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace

_ENDED = tuple(str(state) for state in (JobState.FINISHED, JobState.CANCELLED))
"""A lost job's folder stays: its exit report may still turn up."""

_ATTEMPTS_AT_ONCE = 1000


def ended_runs(catalog: Catalog, site: str) -> list[Thing]:
    """The runs of ended chains, whether their folders are still there or not."""
    job, chain = core.job, core.chain
    statement = (
        select(job.c.id, job.c.token, job.c.pages)
        .join(chain, chain.c.id == job.c.chain_id)
        .where(job.c.site == site, job.c.state.in_(_ENDED), chain.c.state != str(ChainState.LIVE))
        .order_by(job.c.id)
    )
    with catalog.reading() as connection:
        rows = connection.execute(statement).all()
    return [Thing(Kind.RUN, site, f"runs/{row.token}", row.token, row.pages, job_id=row.id) for row in rows]


def tokens_on(catalog: Catalog, site: str) -> list[str]:
    """Of every job that this catalog ever had on the site."""
    with catalog.reading() as connection:
        return [
            str(token)
            for (token,) in connection.execute(select(core.job.c.token).where(core.job.c.site == site))
        ]


async def unfetched(transport: Transport, catalog: Catalog, runs: Sequence[Thing]) -> dict[str, str]:
    """By label: why a run must stay in which something was written that never came here, as when its folder
    could not be read at its end. One round trip for all."""
    asks = [RunAsk(run.label, max_bytes=0) for run in runs]
    news = await transport.poll(asks) if asks else []
    return {
        one.token: why for one in news if (why := await to_thread(_why_unfetched, catalog, one)) is not None
    }


def _why_unfetched(catalog: Catalog, news: RunNews) -> str | None:
    if news.problem:
        return f"its folder cannot be read: {news.problem}"
    with catalog.reading() as connection:
        known = {
            str(name)
            for column in (core.journal_cursor.c.journal, core.result_cursor.c.file)
            for (name,) in connection.execute(
                select(column).where(column.startswith(f"{news.token}/", autoescape=True))
            )
        }
    for file in news.files:
        if file.size and f"{news.token}/{file.name}" not in known:
            return f"{file.name} in it was never fetched"
    return None


def note_removed(catalog: Catalog, site: str, things: Sequence[Thing]) -> None:
    """On the timeline: each run, the others together."""
    runs = [thing for thing in things if thing.kind is Kind.RUN]
    others = len(things) - len(runs)
    with catalog.writing() as connection:
        for run in runs:
            note(connection, "clean", f"Run folder {run.label} removed from {site}", job_id=run.job_id)
        if others:
            note(connection, "clean", f"{others:,} uploaded documents or drawn pages freed on {site}")


def why_keep(workspace: Workspace, catalog: Catalog, run: Thing) -> str | None:
    """None when everything of it lies verified in the workspace."""
    journal, result = core.journal_cursor, core.result_cursor
    assert run.job_id is not None
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
