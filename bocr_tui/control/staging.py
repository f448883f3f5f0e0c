"""From a planned job to a staged one: its manifest, and its folder on the site."""

from __future__ import annotations

import hashlib
import json
import os
from asyncio import to_thread
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.transitions import move_job
from bocr_tui.catalog.words import JobState
from bocr_tui.control.jobs import JobRow
from bocr_tui.control.pipeline import Pipeline
from bocr_tui.sites.deploy import deploy_worker
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
_SOURCE = (
    "SELECT path, mtime_ns FROM source WHERE document_id = ? AND state = 'present' ORDER BY seen_at DESC, id"
)
_DISTRUSTED = (
    "SELECT c.journal FROM journal_cursor c JOIN job j ON j.id = c.job_id"
    " WHERE j.chain_id = ? AND c.state = 'quarantined'"
)
_FOLLOWS = "SELECT count(*) FROM job WHERE chain_id = ? AND round = ? AND stage < ? AND engine <> 'split'"
"""Whether a reading stage was submitted together with this one, to run before it."""
_TOKENS = "SELECT token, stage FROM job WHERE chain_id = ? AND id < ? ORDER BY id"


def build_manifest(connection: Connection, job: JobRow, pipeline: Pipeline) -> Manifest:
    """What this job has to do: the chain's pages that are not read yet, and whose journals to read."""
    stage = pipeline.stages[job.stage]
    documents: dict[int, tuple[DocumentOrder, list[PageOrder]]] = {}
    for row in connection.exec_driver_sql(_PAGES, (job.chain_id,)):
        document_id, number, failure = row[0], row[7], row[8]
        if document_id not in documents:
            documents[document_id] = (_document(connection, row), [])
        known = FailureClass(failure) if failure else None
        documents[document_id][1].append(PageOrder(number, known))
    tokens = connection.exec_driver_sql(_TOKENS, (job.chain_id, job.id)).all()
    return Manifest(
        token=job.token,
        chain=job.chain_id,
        stage=job.stage,
        engine=stage.engine,
        documents=tuple(
            DocumentOrder(**{**order.__dict__, "pages": tuple(pages)}) for order, pages in documents.values()
        ),
        first=stage.first,
        ladder=stage.ladder,
        earlier=tuple(token for token, number in tokens if number < job.stage),
        resume=tuple(token for token, number in tokens if number == job.stage),
        distrusted=tuple(journal for (journal,) in connection.exec_driver_sql(_DISTRUSTED, (job.chain_id,))),
        languages=pipeline.languages,
        limits=pipeline.limits,
        only_failed=bool(connection.exec_driver_sql(_FOLLOWS, (job.chain_id, job.round, job.stage)).scalar()),
    )


def _document(connection: Connection, row: Sequence[object]) -> DocumentOrder:
    document_id, sha256, kind, name, size_bytes, language, language_source = row[:7]
    source = connection.exec_driver_sql(_SOURCE, (document_id,)).first()
    path, mtime_ns = (os.fsdecode(source[0]), source[1]) if source else (f"documents/{sha256}", 0)
    return DocumentOrder(
        sha256=str(sha256),
        path=path,
        kind=str(kind),
        name=str(name),
        size_bytes=int(str(size_bytes)),
        mtime_ns=mtime_ns,
        language=None if language is None else str(language),
        language_binding=language_source in ("person", "rule"),
        pages=(),
    )


class Stager:
    """Puts the run folders of a site's jobs there: `planned` becomes `staged`."""

    def __init__(self, catalog: Catalog, site: Site) -> None:
        self._catalog = catalog
        self._site = site

    async def stage(self, jobs: Sequence[JobRow]) -> None:
        """One question to the site for all of them. Raises SiteError when it does not do its part; the jobs
        then wait where they are."""
        manifests = await to_thread(self._manifests, jobs)
        folders: dict[str, dict[str, bytes]] = {}
        for job in jobs:
            worker = await deploy_worker(self._site.transport)
            script = self._site.scheduler.script(
                ScriptOrder(job.token, job.engine, worker, self._site.config)
            )
            files = {"manifest.json": dump_manifest(manifests[job.id]), "job.sh": script}
            folders[f"runs/{job.token}"] = files
        await self._site.transport.stage(folders)
        await to_thread(self._staged, jobs, manifests, folders)

    def _manifests(self, jobs: Sequence[JobRow]) -> dict[int, Manifest]:
        with self._catalog.reading() as connection:
            return {job.id: self._manifest(connection, job) for job in jobs}

    def _manifest(self, connection: Connection, job: JobRow) -> Manifest:
        row = connection.exec_driver_sql("SELECT pipeline FROM chain WHERE id = ?", (job.chain_id,)).one()
        return build_manifest(connection, job, Pipeline.load(json.loads(row[0])))

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
