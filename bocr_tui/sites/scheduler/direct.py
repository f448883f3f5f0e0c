"""The scheduler that is none: a job is a detached process, which outlives the panel."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from bocr_tui.config.errors import SiteError
from bocr_tui.sites.environments import python_command, shell_lines
from bocr_tui.sites.scheduler.base import (
    Accepted,
    JobView,
    Later,
    Look,
    Rejected,
    ScriptOrder,
    Submission,
    SubmitOrder,
    Unclear,
)
from bocr_tui.sites.templates import render_template
from bocr_tui.sites.transport.base import NeverSent, Transport, TransportLost

_STATES: Mapping[bool | None, Literal["running", "ended", "unknown"]] = {
    True: "running",
    False: "ended",
    None: "unknown",
}
"""By what the site says of a process. One on another node behind the same name shows by its journal alone."""


class DirectScheduler:
    """Starts each run's job.sh under /bin/sh in a session of its own."""

    def __init__(self, transport: Transport, templates: tuple[Path, ...] = ()) -> None:
        self._transport = transport
        self._templates = templates

    @property
    def chains(self) -> bool:
        return False

    def script(self, order: ScriptOrder) -> bytes:
        site = order.site
        return render_template(
            "direct/job.sh.j2",
            self._templates,
            token=order.token,
            lines=shell_lines(site, order.engine),
            python=shlex.quote(python_command(site, order.engine)),
            worker=shlex.quote(f"../../{order.worker}"),
            vendor=shlex.quote(f"../../{order.vendor}") if order.vendor else "",
            cores=site.cores,
        )

    async def submit(self, orders: Sequence[SubmitOrder]) -> list[Submission]:
        return [await self._submit(order) for order in orders]

    async def _submit(self, order: SubmitOrder) -> Submission:
        if order.held or order.after:
            raise ValueError("a direct site starts a job at once")
        try:
            return Accepted(str(await self._transport.call("start_direct", order.token)))
        except NeverSent as error:
            return Later(str(error))
        except TransportLost as error:
            return Unclear(str(error))
        except SiteError as error:
            return Rejected(error.cause)

    async def look(self, jobs: Mapping[str, str]) -> Look:
        if not jobs:
            return Look()
        alive = await self._transport.call("look_direct", list(jobs.values()))
        return Look({token: JobView(_STATES[alive[job]]) for token, job in jobs.items()})

    def cause_in_log(self, text: str) -> tuple[str, str] | None:
        return None

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        await self._transport.call("stop_direct", token, scheduler_id or "", force)

    async def hold(self, token: str, scheduler_id: str) -> None:
        raise SiteError(f"Job {token} runs without a scheduler and cannot be held.", "Cancel it instead.")

    async def release(self, jobs: Mapping[str, str]) -> None:
        return None
