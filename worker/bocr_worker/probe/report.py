"""The order to look at one file, what comes back, and the ways in which there is nothing to look at."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

READY = "ready"
PARTIAL = "partial"
PROTECTED = "protected"
DAMAGED = "damaged"
EMPTY = "empty"
NOT_A_PDF = "not_a_pdf"

READABLE_STATES = (READY, PARTIAL)


@dataclass(frozen=True)
class ProbeOrder:
    """Look at the file at this path."""

    path: str


@dataclass(frozen=True)
class ProbeReport:
    """What a file is. `reason` is empty for `ready`, else a predicate to follow the file's name: "has no
    pages". `unloadable` are the 1-based numbers of pages that cannot be drawn (state `partial`, even where
    that is all of them). `extension` is by content, without a dot.
    """

    sha256: str
    size_bytes: int
    mtime_ns: int
    kind: str
    extension: str
    state: str
    reason: str = ""
    sizes_pt: array[float] = field(default_factory=lambda: array("f"))
    """Width and height of each page as displayed, one after the other, in points; 0 where unknown."""
    unloadable: tuple[int, ...] = ()

    @property
    def page_count(self) -> int:
        return len(self.sizes_pt) // 2

    @property
    def page_sizes(self) -> Iterator[tuple[float, float]]:
        """Width and height in points, page by page."""
        return zip(self.sizes_pt[::2], self.sizes_pt[1::2], strict=True)


class ProbeFailed(Exception):
    """There is no file to look at, or it does not hold still. `path` names it, `cause` says why and what to
    do."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(f"{path}: {cause}")
        self.path = path
        self.cause = cause

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.path, self.cause))


class FileMissing(ProbeFailed):
    """No file is there (any more)."""


class FileForbidden(ProbeFailed):
    """The file may not be read by this user."""


class NotAFile(ProbeFailed):
    """A directory, a pipe, a device."""


class FileChanged(ProbeFailed):
    """The file was written to while it was read: try again when that is over."""


class FileUnreadable(ProbeFailed):
    """The system cannot read it: a failing disk, a stale network mount."""
