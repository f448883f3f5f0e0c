"""From a planned job to an accepted one: manifest, folder, submission, each committed before and after."""

from __future__ import annotations

import hashlib
import json
import os
from asyncio import to_thread as run_in_thread
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from bocr_tui.catalog.database import Catalog, now
from bocr_tui.catalog.timeline import note
from bocr_tui.catalog.transitions import move_job, move_pages
from bocr_tui.catalog.words import JobState, PageState
from bocr_tui.config.errors import SiteError
from bocr_tui.control.events import ControlEvent, JobMoved, Trouble
from bocr_tui.control.jobs import JobRow, job_row
from bocr_tui.control.pipeline import Pipeline
from bocr_tui.sites.deploy import deploy_worker
from bocr_tui.sites.scheduler.base import Accepted, Later, Rejected, ScriptOrder
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import TransportLost
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
    """Takes one job of a site from `planned` to `submitted`, wherever an earlier driver left it."""

    def __init__(self, catalog: Catalog, site: Site, tell: Callable[[ControlEvent], None]) -> None:
        self._catalog = catalog
        self._site = site
        self._tell = tell

    async def advance(self, job: JobRow) -> None:
        """Raises SiteError when the site does not do its part; the job then waits where it is."""
        if job.state == JobState.PLANNED:
            job = await self._stage(job)
        if job.state == JobState.STAGED:
            await run_in_thread(self._move, job.id, JobState.SUBMITTING)
        await self._submit(job)

    async def _stage(self, job: JobRow) -> JobRow:
        manifest = await run_in_thread(self._manifest, job)
        data = dump_manifest(manifest)
        worker = await deploy_worker(self._site.transport)
        script = self._site.scheduler.script(ScriptOrder(job.token, job.engine, worker, self._site.config))
        await self._site.transport.stage(f"runs/{job.token}", {"manifest.json": data, "job.sh": script})
        digest = hashlib.sha256(data).hexdigest()
        columns = {"manifest_sha256": digest, "pages": manifest.page_count}
        await run_in_thread(lambda: self._move(job.id, JobState.STAGED, **columns))
        return await run_in_thread(self._reload, job.id)

    async def _submit(self, job: JobRow) -> None:
        answer = await self._site.scheduler.submit(job.token)
        if isinstance(answer, Accepted):
            await run_in_thread(self._accepted, job.id, answer.scheduler_id)
            self._tell(JobMoved(job.id, job.token, JobState.SUBMITTED))
        elif isinstance(answer, Rejected):
            await run_in_thread(lambda: self._move(job.id, JobState.REJECTED, reason=answer.words))
            self._tell(JobMoved(job.id, job.token, JobState.REJECTED, reason=answer.words))
        elif isinstance(answer, Later):
            if job.state == JobState.SUBMITTING:
                await run_in_thread(lambda: self._move(job.id, JobState.STAGED, reason=answer.words))
            raise SiteError(
                f"Job {job.token} waits: {answer.words}.", "It is submitted when the site takes it."
            )
        else:
            await run_in_thread(lambda: self._move(job.id, JobState.AMBIGUOUS, reason=answer.words))
            self._tell(Trouble(f"Whether job {job.token} was taken is not known.", answer.words, job.id))
            raise TransportLost(f"job {job.token}: {answer.words}", "It is asked for again, never anew.")

    def _manifest(self, job: JobRow) -> Manifest:
        with self._catalog.reading() as connection:
            (pipeline,) = connection.exec_driver_sql(
                "SELECT pipeline FROM chain WHERE id = ?", (job.chain_id,)
            ).one()
            return build_manifest(connection, job, Pipeline.load(json.loads(pipeline)))

    def _reload(self, job_id: int) -> JobRow:
        with self._catalog.reading() as connection:
            return job_row(connection, job_id)

    def _move(self, job_id: int, state: JobState, **columns: object) -> None:
        with self._catalog.writing() as connection:
            move_job(connection, job_id, state, **columns)

    def _accepted(self, job_id: int, scheduler_id: str) -> None:
        """The job is the scheduler's: its pages are queued, in the transaction that says so."""
        with self._catalog.writing() as connection:
            move_job(
                connection,
                job_id,
                JobState.SUBMITTED,
                scheduler_id=scheduler_id,
                submitted_at=now(),
                reason="",
            )
            rows = connection.exec_driver_sql(
                "SELECT r.page_id FROM reservation r JOIN job j ON j.chain_id = r.chain_id"
                " JOIN page p ON p.id = r.page_id WHERE j.id = ? AND r.released_at IS NULL"
                " AND NOT (p.state = 'ok' AND p.changed_at >= r.created_at)",
                (job_id,),
            ).all()
            move_pages(connection, [page_id for (page_id,) in rows], PageState.QUEUED)
            note(connection, "job", f"Job submitted as {scheduler_id}", job_id=job_id)
