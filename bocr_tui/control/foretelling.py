"""What a submission would do, without doing it: pages, jobs, what they ask for, what is uploaded first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog
from bocr_tui.config.errors import UsageError
from bocr_tui.config.model import Config, SiteConfig
from bocr_tui.control.pipeline import build_pipeline
from bocr_tui.control.places import places
from bocr_tui.control.wishes import gpus_of, pbs_of

_BATCHES = """
SELECT b.id, b.pages, b.estimated_s,
  (SELECT count(*) FROM page p WHERE p.batch_id = b.id AND p.state = 'planned'),
  (SELECT count(*) FROM page p JOIN reservation r ON r.page_id = p.id AND r.released_at IS NULL
   WHERE p.batch_id = b.id AND p.state = 'planned')
FROM batch b WHERE b.id IN (SELECT value FROM json_each(?))
"""
_DOCUMENTS = """
SELECT DISTINCT document_id FROM page
WHERE batch_id IN (SELECT value FROM json_each(?)) AND state = 'planned' ORDER BY document_id
"""


@dataclass(frozen=True)
class ForetoldStage:
    """A stage's job: its engine, how that runs, and what it asks PBS for (empty: the server's default, or no
    PBS)."""

    engine: str
    runtime: str
    queue: str = ""
    select: str = ""
    walltime: str = ""


@dataclass(frozen=True)
class Foretold:
    """What would happen. `pages` would be submitted in so many `chains`, `held` are with a live job already.

    `jobs` are submitted at once (later stages of a site without a scheduler follow by themselves).
    `upload_bytes` of `uploads` documents go to the site first; `lost` have no file that could.
    `estimated_s` is all batches one after another; `gpu_hours` None: nothing says how many GPUs a job takes.
    """

    site: str
    scheduler: str
    stages: tuple[ForetoldStage, ...]
    batches: int
    chains: int
    pages: int
    held: int
    documents: int
    jobs: int
    estimated_s: float
    gpu_hours: float | None
    uploads: int = 0
    upload_bytes: int = 0
    lost: int = 0
    most_at_once: int = 1


def foretell(catalog: Catalog, config: Config, batch_ids: Sequence[int]) -> Foretold:
    """Of a submission of these batches under `config`, as `wished` made it. Nothing is changed. Raises
    UsageError, ConfigError."""
    pipeline = build_pipeline(config, site=config.site)
    site = config.sites[config.site]
    stages = tuple(_stage(site, each.engine.name, each.engine.runtime) for each in pipeline.stages)
    with catalog.reading() as connection:
        wanted = json.dumps(list(batch_ids))
        rows = connection.exec_driver_sql(_BATCHES, (wanted,)).all()
        missing = set(batch_ids) - {row[0] for row in rows}
        if missing:
            raise UsageError(f"There is no batch {min(missing)}.", "`bocr batches` lists them.")
        ids = [row[0] for row in connection.exec_driver_sql(_DOCUMENTS, (wanted,))]
        uploads, upload_bytes, lost = _on_the_way(connection, config, ids)
    free = [(planned - held, pages, seconds or 0.0) for _, pages, seconds, planned, held in rows]
    going = [(pages, of, seconds) for pages, of, seconds in free if pages > 0]
    estimated_s = sum(seconds * pages / max(1, of) for pages, of, seconds in going)
    return Foretold(
        site=config.site,
        scheduler=site.scheduler,
        stages=stages,
        batches=len(rows),
        chains=len(going),
        pages=sum(pages for pages, _, _ in going),
        held=sum(row[4] for row in rows),
        documents=len(ids),
        jobs=len(going) * (len(stages) if pipeline.chained else 1),
        estimated_s=estimated_s,
        gpu_hours=gpu_hours(config, estimated_s),
        uploads=uploads,
        upload_bytes=upload_bytes,
        lost=lost,
        most_at_once=site.max_queued if site.scheduler == "pbs" else site.slots,
    )


def gpu_hours(config: Config, seconds: float) -> float | None:
    """So many seconds of jobs, by the GPUs that the first reading stage asks for; None: not known."""
    site = config.sites[config.site]
    stages = site.pipeline or config.pipeline
    if not stages:
        return None
    first = stages[0]
    gpus = gpus_of(site, first if isinstance(first, str) else first.engine)
    return None if gpus is None else gpus * seconds / 3600


def _stage(site: SiteConfig, engine: str, runtime: str) -> ForetoldStage:
    if site.scheduler != "pbs":
        return ForetoldStage(engine, runtime)
    pbs = pbs_of(site, engine)
    return ForetoldStage(engine, runtime, pbs.queue, pbs.select, pbs.walltime)


def _on_the_way(connection: Connection, config: Config, document_ids: list[int]) -> tuple[int, int, int]:
    """Documents to upload, their bytes, and documents that no job could find."""
    found = places(connection, config.site, config.sites[config.site], document_ids).values()
    waiting = [place for place in found if place.waits]
    return (
        len(waiting),
        sum(place.size_bytes for place in waiting),
        sum(1 for place in found if place.problem),
    )
