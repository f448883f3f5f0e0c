"""The scheduler that is none: a job is a detached process, which outlives the panel."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from bocr_tui.config.errors import SiteError
from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.scheduler.base import Accepted, JobView, Rejected, Submission, Unclear
from bocr_tui.sites.templates import render_template
from bocr_tui.sites.transport.base import Transport, TransportLost


class DirectScheduler:
    """Starts each run's job.sh under /bin/sh in a session of its own."""

    def __init__(self, transport: Transport, templates: tuple[Path, ...] = ()) -> None:
        self._transport = transport
        self._templates = templates

    def script(self, token: str, worker: str, site: SiteConfig) -> bytes:
        return render_template(
            "direct/job.sh.j2",
            self._templates,
            token=token,
            python=shlex.quote(site.python or sys.executable),
            worker=shlex.quote(f"../../{worker}"),
            cores=site.cores,
        )

    async def submit(self, token: str) -> Submission:
        try:
            return Accepted(str(await self._transport.call("start_direct", token)))
        except TransportLost as error:
            return Unclear(str(error))
        except SiteError as error:
            return Rejected(error.cause)

    async def look(self, jobs: Mapping[str, str]) -> dict[str, JobView]:
        if not jobs:
            return {}
        alive = await self._transport.call("look_direct", list(jobs.values()))
        assert isinstance(alive, dict)
        return {token: JobView("running" if alive[job] else "ended") for token, job in jobs.items()}

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        await self._transport.call("stop_direct", token, scheduler_id or "", force)
