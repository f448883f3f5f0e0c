"""Who runs a scan: the login node itself, or a job."""

from __future__ import annotations

import asyncio
import time
from asyncio import to_thread
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import Config
from bocr_tui.intake.remote_memory import Scan, ScanMemory, new_token
from bocr_tui.sites import scanning
from bocr_tui.sites.scheduler.base import Accepted, Rejected, SubmitOrder, Unclear
from bocr_tui.sites.site import Site
from bocr_tui.sites.vendor import Tell

SUBMIT_PAUSES_S = (5.0, 15.0, 30.0, 60.0)
"""Between two questions after a job that was not certainly taken."""

_UNKNOWN_LOOKS = 2
"""Sound answers that know no such job, after which there is none."""


class Starter(Protocol):
    """Starts a scan, and says whether it lives."""

    async def start(self, scan: Scan) -> Scan:
        """Raises SiteError."""
        ...

    async def alive(self, scan: Scan, news: scanning.ScanNews) -> bool:
        """False only for news that are a dead scan's last."""
        ...

    async def tidy(self, scan: Scan) -> None:
        """It is over."""
        ...


class LoginNode:
    """Detached and nice'd."""

    def __init__(self, site: Site, config: Config) -> None:
        self._site = site
        self._config = config

    async def start(self, scan: Scan) -> Scan:
        await scanning.start_scan(self._site, self._config, scan.token)
        return scan

    async def alive(self, scan: Scan, news: scanning.ScanNews) -> bool:
        return news.alive

    async def tidy(self, scan: Scan) -> None:
        return None


class AsJob:
    """A job of the site's scheduler. Its name is remembered before it is asked for, and asked for again
    where it is not known whether it was taken."""

    def __init__(self, site: Site, config: Config, memory: ScanMemory, tell: Tell) -> None:
        self._site = site
        self._config = config
        self._memory = memory
        self._tell = tell
        self._lives = True
        self._dying = False
        self._unknown = 0
        self._look_at = 0.0

    async def start(self, scan: Scan) -> Scan:
        again = bool(scan.run and not scan.job)
        if not again:
            await self.tidy(scan)
            scan = replace(scan, run=new_token(), job="")
            await to_thread(self._memory.remember, scan)
        await scanning.stage_scan_job(self._site, self._config, scan.token, scan.run, self._tell)
        words = ""
        for pause in (*SUBMIT_PAUSES_S, None):
            (answer,) = await self._site.scheduler.submit([SubmitOrder(scan.run, again=again)])
            if isinstance(answer, Accepted):
                return await self._took(replace(scan, job=answer.scheduler_id))
            if isinstance(answer, Rejected):
                await to_thread(self._memory.remember, replace(scan, run="", job=""))
                words = f"{self._site.name} refuses the job that would look: {answer.words.rstrip('.')}."
                raise SiteError(words, "Import without --as-job to look on the login node.")
            words, again = answer.words.rstrip("."), isinstance(answer, Unclear)
            if pause is not None:
                self._tell(f"The job is not taken yet: {words}")
                await asyncio.sleep(pause)
        raise SiteError(f"{self._site.name} has not taken the job: {words}.", "Import it again to go on.")

    async def _took(self, scan: Scan) -> Scan:
        await to_thread(self._memory.remember, scan)
        self._lives, self._dying, self._unknown = True, False, 0
        self._look_at = time.monotonic() + self._site.look_s
        self._tell(f"Job {scan.job} is to look at the documents")
        return scan

    async def alive(self, scan: Scan, news: scanning.ScanNews) -> bool:
        """The scheduler is asked no more often than the site allows. Once it says that the job is over, the
        answer is read once more."""
        if not scan.job or self._dying:
            return False
        if time.monotonic() < self._look_at:
            return True
        self._look_at = time.monotonic() + self._site.look_s
        look = await self._site.scheduler.look({scan.run: scan.job})
        view = look.views.get(scan.run)
        if look.problem or view is None:
            return True
        self._unknown = self._unknown + 1 if view.state == "unknown" else 0
        if view.state in ("held", "queued"):
            self._tell(f"Job {scan.job} waits in the queue; Ctrl-C ends waiting here, not the job")
        self._dying = view.state == "ended" or self._unknown >= _UNKNOWN_LOOKS
        return True

    async def tidy(self, scan: Scan) -> None:
        if scan.run:
            with suppress(SiteError):
                await scanning.remove_scan_job(self._site, scan.run)
