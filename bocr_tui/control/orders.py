"""What people order: pure transactions on the catalog, callable from any process.

An order reserves pages for a chain and writes its first job as `planned`; whichever driver runs does the
rest. Two orders for one page cannot both succeed: the reservation's unique index refuses the second.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Table, func, insert, select

from bocr_tui.catalog import core
from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import chunked, move_batch, move_pages
from bocr_tui.catalog.words import BatchState, PageState
from bocr_tui.config.errors import UsageError
from bocr_tui.config.model import Config
from bocr_tui.control.batch_standing import settle_batches
from bocr_tui.control.pipeline import Pipeline, build_pipeline

POOLED_PAGES = 2000
"""Pages of one recovery chain: failed pages of many batches share a job's start-up."""

_NAME_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_RESUBMITTABLE = frozenset({PageState.FAILED, PageState.GAVE_UP, PageState.OK})


class NoSuchBatch(UsageError):
    """A batch was named that there is not, or not any more."""


@dataclass(frozen=True)
class Submitted:
    """What an order did. `refused` names the pages that could not be taken, with the reason."""

    chains: tuple[int, ...]
    jobs: tuple[int, ...]
    pages: int
    refused: tuple[tuple[int, str], ...] = ()


def new_token() -> str:
    """A job's unique name: 14 characters, a letter first, readable aloud, 65 random bits."""
    return "b" + "".join(secrets.choice(_NAME_LETTERS) for _ in range(13))


def submit_batches(
    catalog: Catalog,
    config: Config,
    batch_ids: Sequence[int],
    site: str | None = None,
    pbs: Mapping[str, str] | None = None,
) -> Submitted:
    """Order the planned pages of these batches, one chain a batch; `pbs` is what its jobs ask for in place
    of the site's settings. One that is taken apart while this runs is passed over. Raises NoSuchBatch before
    anything is ordered, UsageError, ConfigError."""
    chosen = site_to_use(config, site)
    pipeline = replace(build_pipeline(config, site=chosen), pbs=pbs or {})
    _check_there(catalog, batch_ids)
    chains, jobs, refused, pages = [], [], [], 0
    for batch_id in batch_ids:
        with catalog.writing() as connection:
            ids = _ids(connection, batch_id, PageState.PLANNED)
            chain_id, job_ids, taken, not_taken = _order(connection, pipeline, chosen, "batch", ids)
            refused += not_taken
            if chain_id is None:
                continue
            move_batch(connection, batch_id, BatchState.SUBMITTED)
            for job_id in job_ids:
                connection.execute(insert(core.job_batch).values(job_id=job_id, batch_id=batch_id))
            note(
                connection,
                "submit",
                f"Batch submitted: {_pages(taken)}",
                batch_id=batch_id,
                job_id=job_ids[0],
            )
        chains.append(chain_id)
        jobs += job_ids
        pages += taken
    return Submitted(tuple(chains), tuple(jobs), pages, tuple(refused))


def resubmit_pages(
    catalog: Catalog,
    config: Config,
    page_ids: Sequence[int],
    engine: str | None = None,
    site: str | None = None,
) -> Submitted:
    """Order these pages again, pooled whatever batches they are of; with `engine`, by that engine alone.

    Pages that are read already are taken only with an `engine`: their text is kept unless the new one is
    better. Pages that are held by a live chain, ignored or never submitted are refused, with the reason.
    """
    chosen = site_to_use(config, site)
    pipeline = build_pipeline(config, engine, chosen)
    chains, jobs, refused, pages = [], [], [], 0
    for part in chunked(dict.fromkeys(page_ids), POOLED_PAGES):
        with catalog.writing() as connection:
            able, not_able = _resubmittable(connection, part, engine is not None)
            refused += not_able
            if engine is None:
                move_pages(connection, able, PageState.FAILED)  # those that gave up get their tries back
            chain_id, job_ids, taken, not_taken = _order(connection, pipeline, chosen, "recovery", able)
            refused += not_taken
            if chain_id is None:
                continue
            _touch_batches(connection, job_ids, chain_id)
            note(connection, "resubmit", f"{_pages(taken)} resubmitted", job_id=job_ids[0])
        chains.append(chain_id)
        jobs += job_ids
        pages += taken
    return Submitted(tuple(chains), tuple(jobs), pages, tuple(refused))


def refusals(catalog: Catalog, page_ids: Sequence[int], with_engine: bool) -> list[tuple[int, str]]:
    """Which of these pages a resubmission would refuse now, with the reason; nothing is changed."""
    with catalog.reading() as connection:
        able, refused = _resubmittable(connection, page_ids, with_engine)
        held = _held(connection, able)
    return refused + [(page_id, "it is with a live job") for page_id in able if page_id in held]


def reset_pages(catalog: Catalog, page_ids: Sequence[int]) -> int:
    """Pages that gave up become failed again; ignored ones what they were before: ok if a reading of theirs
    stands, failed if one failed, planned or new if none was tried. Returns how many moved."""
    page, moved = core.page.c, 0
    with catalog.writing() as connection:
        back: dict[PageState, list[int]] = {}
        for part in chunked(page_ids):
            wanted = page.state.in_([PageState.GAVE_UP, PageState.IGNORED])
            columns = select(page.id, page.state, page.accepted_attempt_id, page.failure, page.batch_id)
            for row in connection.execute(columns.where(page.id.in_(part), wanted)):
                back.setdefault(_state_before(*row[1:]), []).append(row[0])
        for state, ids in back.items():
            moved += move_pages(connection, ids, state)
    return moved


def _state_before(state: str, accepted: int | None, failure: str | None, batch: int | None) -> PageState:
    if state == PageState.GAVE_UP or (accepted is None and failure is not None):
        return PageState.FAILED
    if accepted is not None:
        return PageState.OK
    return PageState.NEW if batch is None else PageState.PLANNED


def ignore_pages(catalog: Catalog, page_ids: Sequence[int]) -> int:
    """A person's word that these pages need no text. Returns how many it was new for."""
    with catalog.writing() as connection:
        moved = move_pages(connection, page_ids, PageState.IGNORED)
        batches: set[int] = set()
        for part in chunked(page_ids):
            column = core.page.c.batch_id
            statement = select(column).where(core.page.c.id.in_(part), column.is_not(None)).distinct()
            batches.update(batch_id for (batch_id,) in connection.execute(statement))
        settle_batches(connection, sorted(batches))
        return moved


def site_to_use(config: Config, site: str | None) -> str:
    """The site of this name, the configuration's for None. Raises UsageError for one that is none."""
    chosen = site or config.site
    if chosen not in config.sites:
        raise UsageError(f"There is no site {chosen}.", f"Sites: {', '.join(sorted(config.sites))}.")
    return chosen


def _check_there(catalog: Catalog, batch_ids: Sequence[int]) -> None:
    """Raises NoSuchBatch."""
    with catalog.reading() as connection:
        for part in chunked(batch_ids):
            found = set(
                connection.execute(select(core.batch.c.id).where(core.batch.c.id.in_(part))).scalars()
            )
            for batch_id in part:
                if batch_id not in found:
                    raise NoSuchBatch(f"There is no batch {batch_id}.", "`bocr batches` lists them.")


def _ids(connection: Connection, batch_id: int, state: PageState) -> list[int]:
    statement = (
        select(core.page.c.id)
        .where(core.page.c.batch_id == batch_id, core.page.c.state == str(state))
        .order_by(core.page.c.id)
    )
    return [page_id for (page_id,) in connection.execute(statement)]


def _resubmittable(
    connection: Connection, page_ids: Sequence[int], with_engine: bool
) -> tuple[list[int], list[tuple[int, str]]]:
    able, refused, seen = [], [], set()
    for part in chunked(page_ids):
        statement = select(core.page.c.id, core.page.c.state).where(core.page.c.id.in_(part))
        for page_id, state in connection.execute(statement.order_by(core.page.c.id)):
            seen.add(page_id)
            if state in _RESUBMITTABLE and (state != PageState.OK or with_engine):
                able.append(page_id)
            else:
                refused.append((page_id, _why_not(state)))
    refused += [(page_id, "there is no such page") for page_id in page_ids if page_id not in seen]
    return able, refused


def _why_not(state: str) -> str:
    reasons = {
        PageState.OK: "it is read already; name an engine to read it again",
        PageState.IGNORED: "it is ignored; reset it first",
        PageState.NEW: "it was never submitted; plan and submit it",
        PageState.PLANNED: "it is planned; submit its batch",
    }
    return reasons.get(PageState(state), "it is with a live job")


def _order(
    connection: Connection, pipeline: Pipeline, site: str, kind: str, page_ids: Sequence[int]
) -> tuple[int | None, list[int], int, list[tuple[int, str]]]:
    """Chain, reservations and first jobs in the caller's transaction: (chain, jobs, pages taken,
    refused)."""
    held = _held(connection, page_ids)
    free = [page_id for page_id in page_ids if page_id not in held]
    refused = [(page_id, "it is with a live job") for page_id in page_ids if page_id in held]
    if not free:
        return None, [], 0, refused
    chain_id = _insert(
        connection,
        core.chain,
        {"kind": kind, "site": site, "state": "live", "pipeline": pipeline.dump(), "created_at": now()},
    )
    stamp = now()
    connection.exec_driver_sql(
        "INSERT INTO reservation (page_id, chain_id, created_at) VALUES (?, ?, ?)",
        [(page_id, chain_id, stamp) for page_id in free],
    )
    job_ids = add_round(connection, chain_id, site, pipeline, 0, len(free))
    return chain_id, job_ids, len(free), refused


def add_round(
    connection: Connection, chain_id: int, site: str, pipeline: Pipeline, stage: int, pages: int
) -> list[int]:
    """Job rows for `stage`, and where the site's scheduler takes whole chains for all after it, each under
    a new token."""
    table = core.job.c
    rounds = select(func.coalesce(func.max(table.round), 0)).where(table.chain_id == chain_id)
    number = int(connection.execute(rounds).scalar_one()) + 1
    last = len(pipeline.stages) if pipeline.chained else stage + 1
    job_ids = []
    for place in range(stage, last):
        tries = select(func.count()).where(table.chain_id == chain_id, table.stage == place)
        values = {
            "chain_id": chain_id,
            "stage": place,
            "try_number": int(connection.execute(tries).scalar_one()) + 1,
            "round": number,
            "engine": pipeline.stages[place].engine.name,
            "site": site,
            "token": new_token(),
            "state": "planned",
            "reason": "",
            "asks": 0,
            "pages": pages,
            "ok": 0,
            "failed": 0,
            "created_at": now(),
            "heartbeat": {},
        }
        job_ids.append(_insert(connection, core.job, values))
    return job_ids


def _insert(connection: Connection, table: Table, values: dict[str, object]) -> int:
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def _held(connection: Connection, page_ids: Sequence[int]) -> set[int]:
    held: set[int] = set()
    for part in chunked(page_ids):
        statement = select(core.reservation.c.page_id).where(
            core.reservation.c.page_id.in_(part), core.reservation.c.released_at.is_(None)
        )
        held.update(page_id for (page_id,) in connection.execute(statement))
    return held


def _touch_batches(connection: Connection, job_ids: Sequence[int], chain_id: int) -> None:
    """The batches that a recovery chain works on are submitted again."""
    statement = (
        select(core.page.c.batch_id)
        .join(core.reservation, core.reservation.c.page_id == core.page.c.id)
        .where(core.reservation.c.chain_id == chain_id, core.page.c.batch_id.is_not(None))
        .distinct()
    )
    for (batch_id,) in connection.execute(statement).all():
        for job_id in job_ids:
            connection.execute(insert(core.job_batch).values(job_id=job_id, batch_id=batch_id))
        move_batch(connection, batch_id, BatchState.SUBMITTED)


def _pages(count: int) -> str:
    return "1 page" if count == 1 else f"{count:,} pages"
