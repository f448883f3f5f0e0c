"""The scheduler that is none: a job is a detached process, which outlives the panel."""

from __future__ import annotations

import re
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
    ScriptOrder,
    Submission,
    SubmitOrder,
    Unclear,
)
from bocr_tui.sites.templates import render_template
from bocr_tui.sites.transport.base import NeedsPerson, NeverSent, Transport, TransportLost

_ID = re.compile(r"direct\.[0-9]{1,10}\.[\w:.-]{0,80}(@[\w.-]{1,80})?", re.ASCII)

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
            answer = await self._transport.call("start_direct", order.token)
        except NeedsPerson:
            raise
        except NeverSent as error:
            return Later(str(error))
        except TransportLost as error:
            return Unclear(str(error))
        except SiteError as error:
            return Later(f"{error.cause} {error.next_step}".strip())
        if isinstance(answer, str) and _ID.fullmatch(answer):
            return Accepted(answer)
        return Unclear("the site's answer cannot be read")

    async def look(self, jobs: Mapping[str, str]) -> Look:
        if not jobs:
            return Look()
        alive = await self._transport.call("look_direct", list(jobs.values()))
        try:
            return Look({token: JobView(_STATES[alive[job]]) for token, job in jobs.items()})
        except (TypeError, KeyError, IndexError):
            return Look(problem="The site's answer about its jobs is none.")

    def cause_in_log(self, text: str) -> tuple[str, str] | None:
        return None

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        await self._transport.call("stop_direct", token, scheduler_id or "", force)

    async def hold(self, token: str, scheduler_id: str) -> None:
        raise SiteError(f"Job {token} runs without a scheduler and cannot be held.", "Cancel it instead.")

    async def release(self, jobs: Mapping[str, str]) -> None:
        return None
