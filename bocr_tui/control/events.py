"""What the driver tells its listeners, typed. The catalog is the truth; these say that it moved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ControlEvent:
    """Anything that happened."""


@dataclass(frozen=True)
class JobMoved(ControlEvent):
    job_id: int
    token: str
    state: str
    cause: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class PagesMoved(ControlEvent):
    """Page events became rows: how many of each in this step."""

    job_id: int
    started: int
    ok: int
    failed: int


@dataclass(frozen=True)
class Heartbeat(ControlEvent):
    job_id: int
    done: int
    total: int
    pages_per_s: float


@dataclass(frozen=True)
class ChainEnded(ControlEvent):
    chain_id: int
    ok: int
    gave_up: int
    failed: int


@dataclass(frozen=True)
class Trouble(ControlEvent):
    """Something does not go as it should and is being dealt with, or needs a person."""

    text: str
    next_step: str = ""
    job_id: int | None = None


@dataclass(frozen=True)
class DriverState(ControlEvent):
    """starting, driving, idle, stopped."""

    state: str


@dataclass(frozen=True)
class SiteMoved(ControlEvent):
    """A site's connection stands otherwise than before: closed, connecting, connected, waiting, paused."""

    site: str
    link: str
    reason: str = ""


@dataclass(frozen=True)
class SiteSaid(ControlEvent):
    """What is being prepared on a site, when that takes a while: a short sentence."""

    site: str
    text: str


@dataclass(frozen=True)
class AutopilotSaid(ControlEvent):
    """What the autopilot did, or why it stopped."""

    text: str
    stopped: bool = False


@dataclass(frozen=True)
class Uploading(ControlEvent):
    """Documents are on their way to a site: bytes of all that is to go there, and the file under way.
    `name` empty: that was the last."""

    site: str
    done_bytes: int
    total_bytes: int
    name: str
    bytes_per_s: float
