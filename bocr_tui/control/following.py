"""Following running jobs: one round trip for all their files, then results home, then journals to rows."""

from __future__ import annotations

import re
from asyncio import to_thread
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.ingest import Ingest, IngestStep, JournalPiece
from bocr_tui.catalog.transitions import chunked
from bocr_tui.config.errors import SiteError
from bocr_tui.control.events import ControlEvent, Heartbeat, PagesMoved, Trouble
from bocr_tui.control.jobs import JobRow
from bocr_tui.control.logs import LOG_NAMES, LOGS, LogMirror
from bocr_tui.control.mirror import Mirror
from bocr_tui.sites.site import Site
from bocr_tui.sites.transport.base import FileNews, RunAsk, RunNews, TransportLost
from bocr_worker.protocol.fields import is_number
from bocr_worker.protocol.lines import MAX_LINE_BYTES

_JOURNAL = re.compile(r"^journal-[0-9a-f]{16}\.jsonl$")
_RESULTS = re.compile(r"^results-[0-9a-f]{16}\.jsonl$")
"""The files a worker writes; what else lies in a run folder is none of our business."""

MAX_PIECE_BYTES = 4 * 1024 * 1024
"""Of one file in one poll: what is more comes with the next one, at once."""

LEAST_RESULTS_BYTES, PAGE_RESULTS_BYTES = 64 * 1024 * 1024, 4 * 1024 * 1024
"""What a results file may hold, whatever the job and for each of its pages: a hundred times what a page
reads as. Of a longer one the rest stays on the site, so that none fills this disk."""

REREAD_BYTES = 1024 * 1024 * 1024
"""Of a journal that does not read well, from there on: a million events."""

NO_FOLDER = "its run folder is gone from the site: purged, or below another root than the site's now"

_NOTHING = 1 << 62
"""An offset behind the end of every file."""


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
    unread: str = ""
    """Why nothing is known of what lies in its folder, which is not there or cannot be read."""

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

    async def follow(
        self, jobs: Sequence[JobRow], watched: Collection[int] = (), logs: Sequence[str] = LOG_NAMES
    ) -> list[FollowedRun]:
        """One round trip for all of them; of `watched` jobs the `logs` too. Raises TransportLost, SiteError:
        then nothing is known and nothing has changed."""
        if not jobs:
            return []
        asks = await to_thread(self._asks, jobs, watched, logs)
        news = await self._site.transport.poll(asks)
        return [await self._take(job, one) for job, one in zip(jobs, news, strict=True)]

    def _asks(self, jobs: Sequence[JobRow], watched: Collection[int], names: Sequence[str]) -> list[RunAsk]:
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
        limits = {job.id: _most_results(job) for job in jobs}
        for job_id, here in self._mirror.offsets_of([job.id for job in jobs]).items():
            most = limits[job_id]
            offsets[job_id].update({name: at if at < most else _NOTHING for name, at in here.items()})
        asks = []
        for job in jobs:
            logs = tuple(names) if job.id in watched else ()
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
            behind = behind or here < min(file.size, _most_results(job))
            if file.data and here >= _most_results(job):
                words = f"{job.token}/{file.name} is longer than its pages can be"
                self._tell(Trouble(words, f"Only its first {here} bytes are fetched.", job.id))
        for file in journals:
            step = await to_thread(self._ingest.take, _piece(job, file))
            self._report(job, step)
            problem = problem or step.problem
            behind = behind or (file.offset < step.offset < file.size - _unfinished(file))
        grew = any(file.data for file in (*journals, *results))
        unread = news.problem if news.exists else NO_FOLDER
        return FollowedRun(job, news.exists, news.exit, behind, journals, problem, grew, unread)

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

    async def fetch_logs(self, jobs: Sequence[JobRow], names: Sequence[str] = LOG_NAMES) -> None:
        """The last of these jobs' logs in one round trip, for whoever wants to know what they did. What
        cannot be kept here is left out: no job's end waits for a log. Raises TransportLost."""
        try:
            await self.follow(jobs, {job.id for job in jobs}, names)
        except TransportLost:
            raise
        except SiteError as error:
            self._tell(Trouble(error.cause, error.next_step))

    async def log_tail(self, job: JobRow, name: str) -> str:
        """The end of one of a job's logs, as it stands on the site now. Raises TransportLost."""
        await self.fetch_logs([job], (name,))
        return await to_thread(self._logs.tail, job.token, name)

    async def close_books(self, run: FollowedRun, short: Collection[str] = ()) -> int:
        """The job has ended and nothing is behind: close its journals' cursors, after a full second
        reading of those that did not read well. Returns how many lines stay unreadable.

        Of `short` journals a part never came. Workers that follow must not believe it either when it turns
        up, or they would pass over pages that nobody here knows to be read."""
        unreadable = 0
        for file in run.journals:
            if await to_thread(self._clean, run.job, file):
                step = await to_thread(self._ingest.reconcile, _piece(run.job, file))
                self._report(run.job, step)
            else:
                unreadable += await self._read_again(run, file)
        names = [name for name in short if _JOURNAL.match(name)]
        await to_thread(self._ingest.distrust, run.job.id, run.job.token, names)
        await to_thread(self._mirror.complete, run.job.id)
        self._ingest.forget(run.job.id)
        return unreadable

    async def _read_again(self, run: FollowedRun, file: FileNews) -> int:
        """A journal from its cursor on, piece by piece. Returns how many lines stay unreadable: what is
        longer than a line can be counts as one, and so does what is longer than a journal can be."""
        job, unreadable = run.job, 0
        offset = first = await to_thread(self._cursor, job, file)
        others = {other.name: _NOTHING for other in run.journals}
        others |= dict.fromkeys(await to_thread(self._mirror.offsets, job.id), _NOTHING)
        while True:
            ask = RunAsk(job.token, {**others, file.name: offset}, MAX_LINE_BYTES + 1)
            news = (await self._site.transport.poll([ask]))[0]
            got = next((one for one in news.files if one.name == file.name), file)
            read_to = got.offset + len(got.data)
            more = got.data != b"" and read_to < got.size and read_to - first < REREAD_BYTES
            more = more and (got.offset > 0 or b"\n" in got.data)  # without a header it is no journal
            unreadable += not more and read_to < got.size
            if more and b"\n" not in got.data:
                offset, unreadable = read_to, unreadable + 1
                continue
            step = await to_thread(partial(self._ingest.reconcile, _piece(job, got), more=more))
            self._report(job, step)
            unreadable += step.unreadable_lines
            if not more or step.offset <= offset:
                return unreadable
            offset = step.offset

    def _cursor(self, job: JobRow, file: FileNews) -> int:
        """Up to where a journal was read."""
        with self._catalog.reading() as connection:
            row = connection.exec_driver_sql(
                'SELECT "offset" FROM journal_cursor WHERE journal = ?', (f"{job.token}/{file.name}",)
            ).first()
        return 0 if row is None else int(row[0])

    def _clean(self, job: JobRow, file: FileNews) -> bool:
        with self._catalog.reading() as connection:
            row = connection.exec_driver_sql(
                'SELECT "offset", state FROM journal_cursor WHERE journal = ?', (f"{job.token}/{file.name}",)
            ).first()
        return row is not None and row[0] == file.size and row[1] == "reading"


def _most_results(job: JobRow) -> int:
    return LEAST_RESULTS_BYTES + job.pages * PAGE_RESULTS_BYTES


def _piece(job: JobRow, file: FileNews) -> JournalPiece:
    return JournalPiece(job.id, job.token, file.name, file.offset, file.size, file.head, file.data)


def _unfinished(file: FileNews) -> int:
    """Bytes at the end of the piece that are no whole line yet: their rest has to be written first."""
    if file.offset + len(file.data) < file.size:
        return 0
    return len(file.data) - (file.data.rfind(b"\n") + 1)
