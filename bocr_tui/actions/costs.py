"""What an action would cost, as far as that is known before it is done: sentences for whoever confirms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bocr_tui.actions.ignoring import text_lost
from bocr_tui.actions.words import counted
from bocr_tui.config.errors import BocrError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bocr_tui.actions.action import Action, Context, Options
    from bocr_tui.catalog.database import Catalog


def costs(action: Action, context: Context, options: Options) -> tuple[str, ...]:
    """Sentences; empty when nothing is known. May take a moment: not for the loop that draws."""
    try:
        if action.id == "batch.submit":
            return _of_submission(context, options)
        if action.id == "batch.unplan":
            return _of_unplanning(context)
        if action.id == "page.ignore":
            lost = text_lost(context.catalog.open(), context.selection.pages)
            return (lost,) if lost else ()
        if action.id == "page.resubmit":
            return _of_reading(context.catalog.open(), len(context.selection.pages), options.engine)
        if action.id in ("job.cancel", "job.requeue"):
            return _of_stopping(context.catalog.open(), context.selection.jobs)
    except BocrError as error:
        return (f"{error.cause} {error.next_step}".strip(),)
    return ()


def _of_submission(context: Context, options: Options) -> tuple[str, ...]:
    from bocr_tui.actions.foretelling import sentences, wishes_of
    from bocr_tui.control.foretelling import foretell
    from bocr_tui.control.wishes import wished

    config = wished(context.workspace.config, wishes_of(options))
    return tuple(sentences(foretell(context.catalog.open(), config, context.selection.batches)))


def _of_unplanning(context: Context) -> tuple[str, ...]:
    from bocr_tui.control.unplanning import unplan

    found = unplan(context.catalog.open(), context.selection.batches, dry_run=True)
    said = f"{counted(found.pages, 'page')} would be new again."
    refused = f"{counted(len(found.refused), 'batch')} would be refused." if found.refused else ""
    return (said, refused) if refused else (said,)


def _of_reading(catalog: Catalog, pages: int, engine: str | None) -> tuple[str, ...]:
    from sqlalchemy import func, select

    from bocr_tui.catalog import core

    rate = core.engine_rate.c
    measured = select(func.sum(rate.seconds), func.sum(rate.pages))
    if engine is not None:
        measured = measured.where(rate.engine == engine)
    with catalog.reading() as connection:
        seconds, read = connection.execute(measured).one()
    if not read:
        return ("How long that takes is not known: nothing like it was read yet.",)
    mean_s = seconds / read
    return (f"About {_hours(pages * mean_s)} of engine time, at {mean_s:.1f} s a page as measured here.",)


def _of_stopping(catalog: Catalog, jobs: Sequence[int]) -> tuple[str, ...]:
    from sqlalchemy import func, select

    from bocr_tui.catalog import core

    with catalog.reading() as connection:
        pages = connection.execute(
            select(func.sum(core.job.c.pages)).where(core.job.c.id.in_(list(jobs)))
        ).scalar()
    return (f"{counted(pages, 'page')} in {counted(len(jobs), 'job')}.",) if pages else ()


def _hours(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:,.1f} h"
