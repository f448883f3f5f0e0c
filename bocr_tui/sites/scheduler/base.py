"""A scheduler: how jobs are started, asked after and stopped on a site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bocr_tui.config.model import SiteConfig


@dataclass(frozen=True)
class Accepted:
    """The scheduler has the job, under this id; asked again it will say the same."""

    scheduler_id: str


@dataclass(frozen=True)
class Rejected:
    """The scheduler refused for good, in these words."""

    words: str


@dataclass(frozen=True)
class Unclear:
    """It is not known whether the job was taken: ask again, never anew."""

    words: str


Submission = Accepted | Rejected | Unclear


@dataclass(frozen=True)
class JobView:
    """What a scheduler says of a job: queued, held, running, ended or unknown. `cause` is one of the
    catalog's causes where the scheduler knows it, `words` its comment."""

    state: str
    cause: str | None = None
    words: str = ""


class Scheduler(Protocol):
    """Raises TransportLost when the site did not answer: no information, which changes nothing."""

    def script(self, token: str, worker: str, site: SiteConfig) -> bytes:
        """job.sh for this run. `worker` is the worker's folder below the site's root."""
        ...

    async def submit(self, token: str) -> Submission: ...

    async def look(self, jobs: Mapping[str, str]) -> dict[str, JobView]:
        """By token; `jobs` maps tokens to scheduler ids."""
        ...

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        """Ask a job to end; with `force`, end it now."""
        ...
