"""A transport: how files and questions get to a site. Every method is one round trip unless it says more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from bocr_tui.config.errors import SiteError

CALL_TIMEOUT_S = 60.0
"""How long a question may take by default, counted from when it is sent."""


class TransportLost(SiteError):
    """The site did not answer. What was asked may or may not have happened."""


class NeverSent(TransportLost):
    """The site was not reached: what was asked has certainly not happened, and may be asked again blindly."""


class NeedsPerson(SiteError):
    """The connection waits for a person: a passphrase, a one-time code, a host key to accept, or a host key
    that changed. Nothing is tried again until somebody asks for it."""


class Link(StrEnum):
    """How the connection to a site stands."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """Lost; tried again by itself after a pause."""
    PAUSED = "paused"
    """Lost or refused; a person has to do something first."""


@dataclass(frozen=True)
class RunAsk:
    """What is known of a run's files: offsets up to which they were read.

    `logs` names logs (job.log, server.log, pbs.log) whose new bytes are wanted too; a log without an offset
    is answered from `LOG_TAIL_BYTES` before its end on.
    """

    token: str
    offsets: Mapping[str, int] = field(default_factory=dict)
    max_bytes: int = 8 * 1024 * 1024
    logs: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileNews:
    """A journal's, results file's or log's bytes from `offset` on. `head` is the CRC-32 of its first
    line."""

    name: str
    size: int
    offset: int
    head: int
    data: bytes


@dataclass(frozen=True)
class RunNews:
    """`exists` False: the run folder is not there (never staged, cleaned, purged, or below another root).
    `problem`: why it cannot be read although it is there; then nothing is known of what lies in it."""

    token: str
    exists: bool
    exit: bytes | None
    files: tuple[FileNews, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Upload:
    """A file to put on the site: `path` here, `name` below the site's root there."""

    path: Path
    name: str
    sha256: str
    size_bytes: int


Progressed = Callable[[int], None]
"""Called with the bytes just put on the site, from the loop."""


class Transport(Protocol):
    """Raises TransportLost when the site does not answer, NeverSent when it was not reached at all,
    NeedsPerson when the connection waits for a person, SiteError when the site refuses with words."""

    @property
    def link(self) -> Link: ...

    async def stage(self, folders: Mapping[str, Mapping[str, bytes]]) -> None:
        """Make folders below the site's root with these files, each all or nothing; the same again is no
        error."""
        ...

    async def poll(self, asks: Sequence[RunAsk]) -> list[RunNews]:
        """New bytes of many runs, one round trip."""
        ...

    async def call(self, function: str, *arguments: object, timeout_s: float = CALL_TIMEOUT_S) -> Any:
        """Call a function of sites/helper/calls.py on the site (its root goes first). Arguments and answer
        are JSON, and bytes."""
        ...

    async def upload(self, files: Sequence[Upload], progressed: Progressed, mb_per_s: float = 0.0) -> None:
        """Put files on the site: small ones together, large ones each from where an earlier upload of the
        same content was cut; verified there before they get their names. Files that are there already are
        not sent. More than one round trip. `mb_per_s` 0: as fast as it goes.

        May be cancelled at any time; what is there counts the next time. Raises SiteError naming the file
        that cannot be read here or is no longer what its SHA-256 says.
        """
        ...

    async def resume(self) -> None:
        """A person asks for another try after NeedsPerson."""
        ...

    async def close(self) -> None: ...
