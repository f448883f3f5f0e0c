"""What is known of a file once it was looked at, and what an import tells about itself."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from bocr_tui.catalog.words import READABLE, DocumentState
from bocr_tui.intake.discovery import Found

MOST_PROBLEMS = 1000
"""Problems that a report names; the catalog knows them all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A file's content and what it is. `sizes_pt` holds width and height of each page one after the
    other, nothing for a document that cannot be read; `unloadable` are the numbers of pages that cannot be
    loaded. `size_bytes`
    and `mtime_ns` are those of the file when it was read."""

    found: Found
    sha256: str
    size_bytes: int
    mtime_ns: int
    kind: str
    extension: str
    state: DocumentState
    reason: str = ""
    sizes_pt: array[float] = field(default_factory=lambda: array("f"))
    unloadable: frozenset[int] = frozenset()

    @property
    def pages(self) -> int:
        return len(self.sizes_pt) // 2 if self.readable else 0

    @property
    def readable(self) -> bool:
        return self.state in READABLE


@dataclass(frozen=True)
class ImportProgress:
    """How far an import is: files, pages and bytes. `found` still grows while `looking`."""

    found: int
    done: int
    pages: int
    bytes: int
    name: str
    looking: bool


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Each of the `found` files is either `added` (new content under a new path), `known` (its path has not
    changed, or its content is in the catalog already), `changed` (its path now leads to other content), or
    it could not be read at all. `unreadable` counts files without a page to read, for any reason: they are
    among `problems`, and so are those with some pages that cannot be loaded, as (name, sentence); the
    first thousand are kept. `missing` counts known files
    that are gone. `document_ids` are all documents that the paths stand for, `pages` their pages. `stopped`
    says that there is more to import.
    """

    found: int = 0
    added: int = 0
    known: int = 0
    changed: int = 0
    unreadable: int = 0
    missing: int = 0
    pages: int = 0
    document_ids: tuple[int, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    stopped: bool = False

    @property
    def documents(self) -> int:
        return len(self.document_ids)
