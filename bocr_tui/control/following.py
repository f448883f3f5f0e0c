"""Following running jobs: one round trip for all their files, then results home, then journals to rows."""

from __future__ import annotations

import re
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.ingest import Ingest, IngestStep, JournalPiece
from bocr_tui.catalog.transitions import chunked
from bocr_tui.control.events import ControlEvent, Heartbeat, PagesMoved, Trouble
from bocr_tui.control.jobs import JobRow
from bocr_tui.control.logs import LOG_NAMES, LOGS, LogMirror
from bocr_tui.control.mirror import Mirror
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import FileNews, RunAsk, RunNews
from bocr_worker.protocol.fields import is_number

_JOURNAL = re.compile(r"^journal-[0-9a-f]{16}\.jsonl$")
_RESULTS = re.compile(r"^results-[0-9a-f]{16}\.jsonl$")
"""The files a worker writes; what else lies in a run folder is none of our business."""

MAX_PIECE_BYTES = 4 * 1024 * 1024
"""Of one file in one poll: what is more comes with the next one, at once."""


@dataclass(frozen=True)
class FollowedRun:
    """What one poll found of a run. `behind`: there is more to fetch right now. `journals`, `results` and
    `journal_bytes` say what lies on the site."""

    job: JobRow
    exists: bool
    exit: bytes | None
    behind: bool
    journals: tuple[FileNews, ...]
    problem: str = ""
    grew: bool = False
    """Something new came."""

    @property
    def journal_bytes(self) -> dict[str, int]:
        return {news.name: news.size for news in self.journals}


class Follower:
    """Of one site. Everything it knows is in the catalog, so a new one goes on where the last one was."""

    def __init__(
        self, catalog: Catalog, site: Site, results: Path, tell: Callable[[ControlEvent], None]
    ) -> None:
        self._catalog = catalog
        self._site = site
        self._logs = LogMirror(results.parent / LOGS)
        self._ingest = Ingest(catalog)
        self._mirror = Mirror(catalog, results)
        self._tell = tell

    async def follow(self, jobs: Sequence[JobRow], watched: Collection[int] = ()) -> list[FollowedRun]:
        """One round trip for all of them; of `watched` jobs the logs too. Raises TransportLost, SiteError:
        then nothing is known and nothing has changed."""
        if not jobs:
            return []
        asks = await to_thread(self._asks, jobs, watched)
        news = await self._site.transport.poll(asks)
        return [await self._take(job, one) for job, one in zip(jobs, news, strict=True)]

    def _asks(self, jobs: Sequence[JobRow], watched: Collection[int]) -> list[RunAsk]:
        offsets: dict[int, dict[str, int]] = defaultdict(dict)
        with self._catalog.reading() as connection:
            for part in chunked([job.id for job in jobs]):
                marks = ", ".join("?" * len(part))
                rows = connection.exec_driver_sql(
                    f'SELECT job_id, journal, "offset" FROM journal_cursor WHERE job_id IN ({marks})',  # noqa: S608
                    tuple(part),
                )
                for job_id, journal, offset in rows:
                    offsets[job_id][str(journal).rsplit("/", 1)[-1]] = int(offset)
        for job_id, here in self._mirror.offsets_of([job.id for job in jobs]).items():
            offsets[job_id].update(here)
        asks = []
        for job in jobs:
            logs = LOG_NAMES if job.id in watched else ()
            if logs:
                offsets[job.id].update(self._logs.offsets(job.token))
            asks.append(RunAsk(job.token, offsets[job.id], MAX_PIECE_BYTES, logs))
        return asks

    async def _take(self, job: JobRow, news: RunNews) -> FollowedRun:
        journals = tuple(file for file in news.files if _JOURNAL.match(file.name))
        results = tuple(file for file in news.files if _RESULTS.match(file.name))
        behind, problem = False, ""
        for file in news.files:
            if file.name in LOG_NAMES:
                await to_thread(self._logs.take, job.token, file)
        for file in results:
            here = await to_thread(self._mirror.take, job.id, job.token, file)
            behind = behind or here < file.size
        for file in journals:
            step = await to_thread(self._ingest.take, _piece(job, file))
            self._report(job, step)
            problem = problem or step.problem
            behind = behind or (file.offset < step.offset < file.size - _unfinished(file))
        grew = any(file.data for file in (*journals, *results))
        return FollowedRun(job, news.exists, news.exit, behind, journals, problem, grew)

    def _report(self, job: JobRow, step: IngestStep) -> None:
        if step.started or step.ok or step.failed:
            self._tell(PagesMoved(job.id, step.started, step.ok, step.failed))
        if step.heartbeat is not None:
            beat = step.heartbeat
            done, total, rate = beat.get("done"), beat.get("total"), beat.get("pages_per_s")
            if isinstance(done, int) and isinstance(total, int):
                self._tell(Heartbeat(job.id, done, total, float(rate) if is_number(rate) else 0.0))
        if step.problem:
            self._tell(Trouble(step.problem, "The journal is read again.", job.id))

    async def fetch_logs(self, job: JobRow) -> None:
        """The last of a job's logs, for whoever wants to know what went wrong."""
        await self.follow([job], {job.id})

    async def close_books(self, run: FollowedRun) -> int:
        """The job has ended and nothing is behind: close its journals' cursors, after a full second
        reading of those that did not read well. Returns how many lines stay unreadable."""
        unreadable = 0
        for file in run.journals:
            whole = file
            if not await to_thread(self._clean, run.job, file):
                ask = RunAsk(run.job.token, {}, max(file.size, 1))
                news = (await self._site.transport.poll([ask]))[0]
                whole = next((f for f in news.files if f.name == file.name), file)
            piece = _piece(run.job, whole)
            step = await to_thread(self._ingest.reconcile, piece)
            self._report(run.job, step)
            unreadable += step.unreadable_lines
        await to_thread(self._mirror.complete, run.job.id)
        self._ingest.forget(run.job.id)
        return unreadable

    def _clean(self, job: JobRow, file: FileNews) -> bool:
        with self._catalog.reading() as connection:
            row = connection.exec_driver_sql(
                'SELECT "offset", state FROM journal_cursor WHERE journal = ?', (f"{job.token}/{file.name}",)
            ).first()
        return row is not None and row[0] == file.size and row[1] == "reading"


def _piece(job: JobRow, file: FileNews) -> JournalPiece:
    return JournalPiece(job.id, job.token, file.name, file.offset, file.size, file.head, file.data)


def _unfinished(file: FileNews) -> int:
    """Bytes at the end of the piece that are no whole line yet: their rest has to be written first."""
    if file.offset + len(file.data) < file.size:
        return 0
    return len(file.data) - (file.data.rfind(b"\n") + 1)
