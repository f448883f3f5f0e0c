"""Taking planned batches apart again: the way back from a plan that was a mistake.

Each transaction takes the write lock before it looks, as that of a submission does. Whichever comes second
sees what the first one did: a batch that was submitted is refused here, and one that is gone has no pages
to submit.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import chunked, move_pages
from bocr_tui.catalog.words import BatchState, PageState
from bocr_tui.control.autopilot import autopilot_state
from bocr_tui.planning.numbering import keep_numbers

BATCHES_A_TRANSACTION = 25
"""As a plan writes them: whoever else writes waits for a fraction of a second."""

_NAMED = 3
"""Batches named in the event's words."""

_STANDING = """
SELECT b.id, b.name, b.state, EXISTS (SELECT 1 FROM job_batch j WHERE j.batch_id = b.id),
  EXISTS (SELECT 1 FROM page p JOIN reservation r ON r.page_id = p.id AND r.released_at IS NULL
          WHERE p.batch_id = b.id)
FROM batch b WHERE b.id IN (SELECT value FROM json_each(?))
"""

_PLANNED = "SELECT id FROM page WHERE batch_id IN (SELECT value FROM json_each(?)) AND +state = 'planned'"
"""The plus keeps SQLite from going through all planned pages by the index of states."""


@dataclass(frozen=True)
class Unplanned:
    """What was, or in a dry run would be, taken apart: batches, pages that are new again, and the batches
    that were refused, with the reason and what to do instead."""

    batches: int
    pages: int
    refused: tuple[tuple[int, str], ...] = ()


def unplan(
    catalog: Catalog,
    batch_ids: Sequence[int],
    *,
    dry_run: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    stop: threading.Event | None = None,
) -> Unplanned:
    """Delete these batches and make their planned pages new again; nothing of them may have been submitted.

    Pages that a person settled meanwhile (ignored, or written by hand) stay so, in no batch. Some batches a
    transaction, each one whole: cut short, by `stop` too, the others are still planned. Their numbers are not
    given again. `progress` hears of batches.
    """
    names: list[str] = []
    refused: list[tuple[int, str]] = []
    pages, event_id = 0, None
    wanted = list(dict.fromkeys(batch_ids))
    for part in chunked(wanted, BATCHES_A_TRANSACTION):
        if stop is not None and stop.is_set():
            break
        if progress is not None:
            progress(len(names) + len(refused), len(wanted), "")
        with catalog.reading() if dry_run else catalog.writing() as connection:
            able, not_able = _sort_out(connection, part)
            refused += not_able
            if not able:
                continue
            ids = list(connection.exec_driver_sql(_PLANNED, (json.dumps(list(able)),)).scalars())
            names += able.values()
            pages += len(ids)
            if not dry_run:
                _take_apart(connection, list(able), ids)
                event_id = _tell(connection, event_id, names, pages)
    if progress is not None:
        progress(len(names) + len(refused), len(wanted), "")
    return Unplanned(len(names), pages, tuple(refused))


def _sort_out(
    connection: Connection, batch_ids: Sequence[int]
) -> tuple[dict[int, str], list[tuple[int, str]]]:
    """Names of the batches that can be taken apart, and the others with the reason."""
    wanted = autopilot_state(connection).on
    rows = {row[0]: row[1:] for row in connection.exec_driver_sql(_STANDING, (json.dumps(list(batch_ids)),))}
    able, refused = {}, []
    for batch_id in batch_ids:
        if batch_id not in rows:
            refused.append((batch_id, "there is no such batch any more"))
            continue
        name, state, has_jobs, held = rows[batch_id]
        reason = _why_not(state, bool(has_jobs), bool(held), wanted)
        if reason:
            refused.append((batch_id, reason))
        else:
            able[batch_id] = str(name)
    return able, refused


def _why_not(state: str, has_jobs: bool, held: bool, wanted: bool) -> str:
    if state == BatchState.SUBMITTED or held:
        return "it is submitted; `bocr cancel` stops its jobs, and its pages stay in it"
    if state != BatchState.PLANNED or has_jobs:
        return "it was submitted before, and its jobs are part of its history; submit or ignore what is left"
    return "the autopilot is on and would submit it; `bocr autopilot --stop` first" if wanted else ""


def _take_apart(connection: Connection, batch_ids: Sequence[int], page_ids: Sequence[int]) -> None:
    keep_numbers(connection)
    move_pages(connection, page_ids, PageState.NEW, batch_id=None)
    these = (json.dumps(list(batch_ids)),)
    connection.exec_driver_sql(
        "UPDATE page SET batch_id = NULL WHERE batch_id IN (SELECT value FROM json_each(?))", these
    )
    connection.exec_driver_sql("DELETE FROM batch WHERE id IN (SELECT value FROM json_each(?))", these)


def _tell(connection: Connection, event_id: int | None, names: Sequence[str], pages: int) -> int:
    """One event for the whole order, in each transaction as far as that has come. Returns its id."""
    named = ", ".join(names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    batches = "batch" if len(names) == 1 else "batches"
    again = "1 page is" if pages == 1 else f"{pages:,} pages are"
    text = f"Taken apart: {batches} {named}{more}; {again} new again"
    if event_id is None:
        note(connection, "unplan", text)
        return int(connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one())
    connection.exec_driver_sql("UPDATE event SET text = ? WHERE id = ?", (text, event_id))
    return event_id
