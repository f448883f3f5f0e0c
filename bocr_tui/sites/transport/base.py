"""A transport: how files and questions get to a site. Every method is one round trip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bocr_tui.config.errors import SiteError


class TransportLost(SiteError):
    """The site did not answer. What was asked may or may not have happened."""


@dataclass(frozen=True)
class RunAsk:
    """What is known of a run's files: offsets up to which they were read."""

    token: str
    offsets: Mapping[str, int] = field(default_factory=dict)
    max_bytes: int = 8 * 1024 * 1024


@dataclass(frozen=True)
class FileNews:
    """A journal's or results file's bytes from `offset` on. `head` is the CRC-32 of its first line."""

    name: str
    size: int
    offset: int
    head: int
    data: bytes


@dataclass(frozen=True)
class RunNews:
    """`exists` False: the run folder is not there (never staged, or cleaned)."""

    token: str
    exists: bool
    exit: bytes | None
    files: tuple[FileNews, ...] = ()


class Transport(Protocol):
    """Raises TransportLost when the site does not answer, SiteError when it refuses with words."""

    async def stage(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Make a folder below the site's root with these files, all or nothing; the same again is no
        error."""
        ...

    async def poll(self, asks: Sequence[RunAsk]) -> list[RunNews]:
        """New bytes of many runs, one round trip."""
        ...

    async def call(self, function: str, *arguments: object) -> object:
        """Call a function of sites/helper/site_helper.py on the site (its root goes first)."""
        ...

    async def close(self) -> None: ...
