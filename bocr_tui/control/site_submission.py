"""Jobs on their way to one site: their documents first, then they themselves.

What goes wrong here is no reason to let go of the jobs that the site has already: a full disk, or a job
template that cannot be used, keeps new ones from being staged and lets those that run be followed on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.words import JobState
from bocr_tui.config.errors import ConfigError, SiteError
from bocr_tui.control.carrying import Books
from bocr_tui.control.events import Trouble
from bocr_tui.control.jobs import JobRow
from bocr_tui.control.judging import Ending
from bocr_tui.control.site_status import RETRY_S
from bocr_tui.control.submitting import Submitter
from bocr_tui.control.uploading import Uploader
from bocr_tui.sites.documents import uploads_documents
from bocr_tui.sites.site import Site


class SiteSubmission:
    """Of one site. `problem` is why nothing more can be submitted just now, empty when it can."""

    def __init__(self, catalog: Catalog, site: Site, books: Books) -> None:
        self.problem = ""
        self._site = site
        self._books = books
        self._submitter = Submitter(catalog, site, books.tell)
        self._uploader = Uploader(catalog, site, books.tell)
        self._uploading: asyncio.Task[None] | None = None
        self._failures = 0
        self._again_at = 0.0

    async def close(self) -> None:
        if self._uploading is not None:
            self._uploading.cancel()
            await asyncio.gather(self._uploading, return_exceptions=True)
            self._uploading = None

    def try_now(self) -> None:
        """A person asks for it."""
        self._again_at = 0.0

    async def upload(self, *, on: bool) -> None:
        """Documents travel beside everything else, while there are jobs that may want some."""
        if not uploads_documents(self._site.config):
            return
        if self._uploading is not None and self._uploading.done():
            self._uploading.result()
            self._uploading = None
        if not on:
            await self.close()
        elif self._uploading is None:
            self._uploading = asyncio.create_task(self._uploader.run(asyncio.Event()))

    async def advance(self, living: Sequence[JobRow], *, followed: bool) -> bool:
        """Bring jobs as far as they go now. Returns whether anything moved. `followed`: the site has jobs
        that are followed, so that what it refuses is told, kept as `problem` and tried again after a while.
        Otherwise raises SiteError, ConfigError; and always what says that the link is lost."""
        if time.monotonic() < self._again_at:
            return False
        try:
            moved = await self._submitter.advance(living, self._ready)
        except (SiteError, ConfigError) as error:
            if not followed or type(error) not in (SiteError, ConfigError):
                raise
            self._failed(f"{error.cause} {error.next_step}".strip())
            return False
        finally:
            await self._end_rejected()
        self.problem, self._failures = "", 0
        return moved

    def _failed(self, problem: str) -> None:
        pause_s = RETRY_S[min(self._failures, len(RETRY_S) - 1)]
        self._failures += 1
        self._again_at = time.monotonic() + pause_s
        if problem != self.problem:
            self._books.tell(Trouble(f"{self._site.name}: {problem}", "It is tried again by itself."))
        self.problem = problem

    async def _end_rejected(self) -> None:
        """Whatever became of the others: a refusal is final."""
        while self._submitter.rejected:
            job, words = self._submitter.rejected.pop(0)
            await self._books.end(job, Ending(JobState.REJECTED, None, words))

    async def _ready(self, jobs: Sequence[JobRow]) -> list[JobRow]:
        """Those whose documents are on the site now, or cannot come."""
        if not uploads_documents(self._site.config):
            return list(jobs)
        able = [job for job in jobs if (await self._uploader.ready(job.id)).all]
        found = await self._uploader.confirm([job.id for job in able])
        if len(able) < len(jobs) or not all(ready.all for ready in found.values()):
            self._uploader.wake()
        return [job for job in able if found[job.id].all]
