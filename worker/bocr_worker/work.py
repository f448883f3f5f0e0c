"""Which pages a job has to read, and in which way next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bocr_worker.history import PageKey, Past
from bocr_worker.ladder import next_variation, settings_hash
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import DocumentOrder, Manifest, PageOrder, Variation
from bocr_worker.render.page import RenderFailed
from bocr_worker.stopping import JobStops


@dataclass
class PageWork:
    """One page on its way: changed by the feed alone."""

    document: DocumentOrder
    number: int
    failure: FailureClass | None
    tried: set[str] = field(default_factory=set)
    attempts: int = 0
    uncharged: int = 0
    """Times the engine died on it without the page being to blame for certain."""

    @property
    def key(self) -> PageKey:
        return (self.document.sha256, self.number)


class Ladder:
    """Picks the next variation for a page; each is tried at most once on it."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def settings(self, variation: Variation, document: DocumentOrder) -> str:
        """The hash of all that decides how this page would be read."""
        engine = self._manifest.engine
        return settings_hash(engine.name, self._options, variation, self._languages(document))

    @property
    def _options(self) -> dict[str, Any]:
        """The engine's options, and what it is made of: another prompt under the same name reads anew."""
        engine = self._manifest.engine
        return {**engine.options, **({"definition": engine.definition} if engine.definition else {})}

    def _languages(self, document: DocumentOrder) -> tuple[str, ...]:
        return (document.language,) if document.language else self._manifest.languages

    def next(self, page: PageWork) -> Variation | None:
        """None: there is nothing left to try, or too much was tried already."""
        if page.attempts >= self._manifest.limits.max_attempts:
            return None
        offered = self._manifest.first if page.failure is None else self._rungs(page.failure)
        engine = self._manifest.engine
        return next_variation(offered, page.tried, engine.name, self._options, self._languages(page.document))

    def _rungs(self, failure: FailureClass) -> tuple[Variation, ...]:
        return self._manifest.ladder.get(failure, self._manifest.first)


def skipped_pages(manifest: Manifest, history: Mapping[PageKey, Past]) -> int:
    """How many of the manifest's pages this stage does not take."""
    return manifest.page_count - sum(
        len(_taken(manifest, document, history)) for document in manifest.documents
    )


def pages_to_do(manifest: Manifest, history: Mapping[PageKey, Past]) -> Iterator[PageWork]:
    """The manifest's pages that this stage takes, with what is known of each; the documents with most of them
    first, so that the last ones to be finished are short.

    A page that no earlier stage got to (its job died) is read as a fresh one, unless the stage takes only
    failed ones.
    """
    taken = [(document, _taken(manifest, document, history)) for document in manifest.documents]
    for document, orders in sorted(taken, key=lambda each: len(each[1]), reverse=True):
        for order in orders:
            past = history.get((document.sha256, order.number))
            failure, tried = order.failure, set(order.tried)
            if past is not None:
                failure = past.failure or failure
                tried.update(past.tried)
            yield PageWork(document, order.number, failure, tried)


def _taken(manifest: Manifest, document: DocumentOrder, history: Mapping[PageKey, Past]) -> list[PageOrder]:
    return [
        order
        for order in document.pages
        if _takes(manifest, order, history.get((document.sha256, order.number)))
    ]


def _takes(manifest: Manifest, order: PageOrder, past: Past | None) -> bool:
    if past is not None and past.settled:
        return False
    return not manifest.only_failed or order.failure is not None or (past is not None and past.failed)


Signature = tuple[int, int, int]
"""Size, modification time and inode of a file: what changes when it is exchanged."""


class Documents:
    """Where documents lie, and whether they are still what the manifest says."""

    def __init__(self, root: Path, stopped: Callable[[], bool] = lambda: False) -> None:
        self._root = root
        self._stopped = stopped
        self._trusted: dict[str, Signature] = {}

    def path(self, document: DocumentOrder) -> str:
        return str(self._root / document.path)

    def is_unchanged(self, document: DocumentOrder) -> bool:
        """Whether the file is the very one that was checked: one look at the folder, nothing is read."""
        try:
            return self._trusted.get(document.sha256) == _signature(self.path(document))
        except OSError:
            return False

    def check(self, document: DocumentOrder) -> None:
        """Compare size and time with the manifest, and the hash where they differ. Blocks: call it in a
        thread. Raises RenderFailed: a file that was exchanged is never read in the old one's name; and
        JobStops, when the job is to end before all was compared."""
        if document.problem:
            raise RenderFailed(document.problem, document.path)
        path = self.path(document)
        try:
            signature = _signature(path)
            known = signature[:2] == (document.size_bytes, document.mtime_ns)
            if known or self._hash(path) == document.sha256:
                self._trusted[document.sha256] = signature
                return
        except OSError as error:
            cause = f"the file cannot be read: {error.strerror or error}"
            raise RenderFailed(cause, document.path) from None
        raise RenderFailed("the file is not the one that was imported: import it again", document.path)

    def _hash(self, path: str) -> str:
        """Takes minutes for a file of many gigabytes, which a job that has to end does not have."""
        digest = hashlib.sha256()
        with Path(path).open("rb") as stream:
            while chunk := stream.read(1 << 20):
                if self._stopped():
                    raise JobStops
                digest.update(chunk)
        return digest.hexdigest()


def _signature(path: str) -> Signature:
    stat = Path(path).stat()
    return (stat.st_size, stat.st_mtime_ns, stat.st_ino)
