"""A scheduler: how jobs are started, asked after and stopped on a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
class Later:
    """The scheduler certainly has not taken it, and would later (a limit on queued jobs, say)."""

    words: str


@dataclass(frozen=True)
class Unclear:
    """It is not known whether the job was taken: ask again, never anew."""

    words: str


Submission = Accepted | Rejected | Later | Unclear


@dataclass(frozen=True)
class SubmitOrder:
    """`held`: the job does not start before it is released. `after`: the scheduler id of a job that must
    have ended first, however it ended. `again`: it was asked for before, and how that ended is not known."""

    token: str
    held: bool = False
    after: str | None = None
    again: bool = False


@dataclass(frozen=True)
class JobView:
    """What a scheduler says of a job: queued, held, running, ended or unknown.

    `unknown` is its sound answer that it knows no such job. `cause` is one of the catalog's causes where
    the scheduler knows it, `words` its comment or ours on it, for a person. `moved_to`: the server that it
    was sent on to, which alone can know how it stands; empty for one that is where it was submitted.
    """

    state: str
    cause: str | None = None
    words: str = ""
    exit_status: int | None = None
    moved_to: str = ""


@dataclass(frozen=True)
class Look:
    """What is known of many jobs. A token without a view: no information about it. `problem` says in words
    why there is none about some, or all of them; empty when the answer was sound."""

    views: Mapping[str, JobView] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class ScriptOrder:
    """What a job script is rendered from. `worker` is the worker's folder and `vendor` that of what the
    environment lacks ("" where nothing), below the site's root."""

    token: str
    engine: str
    worker: str
    site: SiteConfig
    vendor: str = ""


class Scheduler(Protocol):
    """Raises TransportLost when the site did not answer: no information, which changes nothing."""

    @property
    def chains(self) -> bool:
        """Whether a chain's jobs are submitted together, each waiting for the one before."""
        ...

    def script(self, order: ScriptOrder) -> bytes:
        """job.sh for this run. Raises ConfigError."""
        ...

    async def submit(self, orders: Sequence[SubmitOrder]) -> list[Submission]:
        """Submit jobs whose run folders are staged: one question to the site, one answer an order."""
        ...

    async def look(self, jobs: Mapping[str, str]) -> Look:
        """By token; `jobs` maps tokens to scheduler ids."""
        ...

    def cause_in_log(self, text: str) -> tuple[str, str] | None:
        """One of the catalog's causes and the scheduler's words for it, where it wrote into the job's output
        (pbs.log) why it ended the job."""
        ...

    async def stop(self, token: str, scheduler_id: str | None, *, force: bool) -> None:
        """Ask a job to end; with `force`, end it now. A job that has ended is no error."""
        ...

    async def hold(self, token: str, scheduler_id: str) -> None:
        """Keep a queued job from starting. Raises SiteError where that cannot be done."""
        ...

    async def release(self, jobs: Mapping[str, str]) -> None:
        """Let held jobs start, by token and scheduler id; one that is not held, or has ended, is no
        error."""
        ...
