"""From a planned job to a staged one: its manifest, and its folder on the site."""

from __future__ import annotations

import hashlib
import json
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.transitions import move_job
from bocr_tui.catalog.words import JobState
from bocr_tui.config.model import SiteConfig
from bocr_tui.control.events import ControlEvent, SiteSaid
from bocr_tui.control.jobs import JobRow
from bocr_tui.control.pipeline import Pipeline
from bocr_tui.control.places import Place, places
from bocr_tui.control.wishes import with_pbs
from bocr_tui.sites.deploy import prepare
from bocr_tui.sites.scheduler.base import ScriptOrder
from bocr_tui.sites.site import Site
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import DocumentOrder, Manifest, PageOrder, dump_manifest

_PAGES = """
SELECT d.id, d.sha256, d.kind, d.name, d.size_bytes, d.language, d.language_source, p.number, p.failure
FROM reservation r JOIN page p ON p.id = r.page_id JOIN document d ON d.id = p.document_id
WHERE r.chain_id = ? AND r.released_at IS NULL AND p.state <> 'ignored'
  AND NOT (p.state = 'ok' AND p.changed_at >= r.created_at)
ORDER BY d.id, p.number
"""
_DISTRUSTED = (
    "SELECT c.journal FROM journal_cursor c JOIN job j ON j.id = c.job_id"
    " WHERE j.chain_id = ? AND c.state = 'quarantined'"
)
_FOLLOWS = "SELECT count(*) FROM job WHERE chain_id = ? AND round = ? AND stage < ? AND engine <> 'split'"
"""Whether a reading stage was submitted together with this one, to run before it."""
_TOKENS = "SELECT token, stage FROM job WHERE chain_id = ? AND id < ? ORDER BY id"


def build_manifest(connection: Connection, job: JobRow, pipeline: Pipeline, site: SiteConfig) -> Manifest:
    """What this job has to do: the chain's pages that are not read yet, and whose journals to read."""
    stage = pipeline.stages[job.stage]
    rows: dict[int, Row[Any]] = {}
    pages: dict[int, list[PageOrder]] = defaultdict(list)
    for row in connection.exec_driver_sql(_PAGES, (job.chain_id,)):
        rows.setdefault(row.id, row)
        pages[row.id].append(PageOrder(row.number, _known(row.failure)))
    found = places(connection, job.site, site, list(rows))
    tokens = connection.exec_driver_sql(_TOKENS, (job.chain_id, job.id)).all()
    follows = connection.exec_driver_sql(_FOLLOWS, (job.chain_id, job.round, job.stage)).scalar_one()
    return Manifest(
        token=job.token,
        chain=job.chain_id,
        stage=job.stage,
        engine=stage.engine,
        documents=tuple(
            _document(row, found[document_id], tuple(pages[document_id])) for document_id, row in rows.items()
        ),
        first=stage.first,
        ladder=stage.ladder,
        earlier=tuple(token for token, number in tokens if number < job.stage),
        resume=tuple(token for token, number in tokens if number == job.stage),
        distrusted=tuple(journal for (journal,) in connection.exec_driver_sql(_DISTRUSTED, (job.chain_id,))),
        languages=pipeline.languages,
        limits=pipeline.limits,
        only_failed=bool(follows),
    )


def _known(failure: str | None) -> FailureClass | None:
    """What an earlier chain found. That a page could not be drawn says nothing now: somebody asked again,
    perhaps because the file is there meanwhile; this chain's own findings are in its journals."""
    return None if failure in (None, FailureClass.RENDER) else FailureClass(failure)


def _document(row: Row[Any], place: Place, pages: tuple[PageOrder, ...]) -> DocumentOrder:
    return DocumentOrder(
        sha256=row.sha256,
        path=place.path,
        kind=row.kind,
        name=row.name,
        size_bytes=row.size_bytes,
        pages=pages,
        mtime_ns=place.mtime_ns,
        language=row.language,
        language_binding=row.language_source in ("person", "rule"),
        problem=place.problem,
    )


class Stager:
    """Puts the run folders of a site's jobs there: `planned` becomes `staged`."""

    def __init__(self, catalog: Catalog, site: Site, tell: Callable[[ControlEvent], None]) -> None:
        self._catalog = catalog
        self._site = site
        self._tell = tell

    async def stage(self, jobs: Sequence[JobRow]) -> None:
        """One question to the site for all of them. Raises SiteError when it does not do its part; the jobs
        then wait where they are."""
        manifests, asked = await to_thread(self._manifests, jobs)
        folders: dict[str, dict[str, bytes]] = {}
        for job in jobs:
            prepared = await prepare(self._site, job.engine, self._say)
            site = with_pbs(self._site.config, asked[job.id])
            order = ScriptOrder(job.token, job.engine, prepared.worker, site, vendor=prepared.vendor)
            script = self._site.scheduler.script(order)
            files = {"manifest.json": dump_manifest(manifests[job.id]), "job.sh": script}
            folders[f"runs/{job.token}"] = files
        await self._site.transport.stage(folders)
        await to_thread(self._staged, jobs, manifests, folders)

    def _say(self, text: str) -> None:
        self._tell(SiteSaid(self._site.name, text))

    def _manifests(self, jobs: Sequence[JobRow]) -> tuple[dict[int, Manifest], dict[int, Mapping[str, str]]]:
        """By job: its manifest, and what its order asked of PBS in place of the site's settings."""
        manifests: dict[int, Manifest] = {}
        asked: dict[int, Mapping[str, str]] = {}
        with self._catalog.reading() as connection:
            for job in jobs:
                pipeline = self._pipeline(connection, job)
                manifests[job.id] = build_manifest(connection, job, pipeline, self._site.config)
                asked[job.id] = pipeline.pbs
        return manifests, asked

    def _pipeline(self, connection: Connection, job: JobRow) -> Pipeline:
        row = connection.exec_driver_sql("SELECT pipeline FROM chain WHERE id = ?", (job.chain_id,)).one()
        return Pipeline.load(json.loads(row[0]))

    def _staged(
        self,
        jobs: Sequence[JobRow],
        manifests: Mapping[int, Manifest],
        folders: Mapping[str, Mapping[str, bytes]],
    ) -> None:
        with self._catalog.writing() as connection:
            for job in jobs:
                digest = hashlib.sha256(folders[f"runs/{job.token}"]["manifest.json"]).hexdigest()
                columns = {"manifest_sha256": digest, "pages": manifests[job.id].page_count}
                move_job(connection, job.id, JobState.STAGED, **columns)
