"""What earlier tries of this stage, and earlier stages, already found out about each page.

The folders that are read lie beside this run's own, and are believed no more than the panel believes them: a
journal has a journal's name, is no link, and begins with a header of that name in that folder. What is
missing, torn or strange there is not known, and what is not known is done.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bocr_worker.journal import read_records
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import FAILED, OK, PAGE, PageEvent, read_header, read_page_event
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Manifest

PageKey = tuple[str, int]

_JOURNAL = re.compile(r"journal-([0-9a-f]{16})\.jsonl")
"""The panel reads no others, so that what others say would be lost on it."""

_MOST_TRIED = 1000
"""Settings remembered for one page: far more than any ladder has rungs."""


@dataclass
class Past:
    """One page's past. `settled`: this stage has nothing more to do for it. `failed`: a stage's last word on
    it was that it failed. `failure` is the class it failed with most recently, last word or not."""

    settled: bool = False
    failed: bool = False
    failure: FailureClass | None = None
    tried: set[str] = field(default_factory=set)
    at: float = 0.0


@dataclass
class History:
    """By page, for the pages of the manifest alone. `strange` names what could not be believed."""

    pages: dict[PageKey, Past] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)


def read_history(manifest: Manifest, run: Path, stopped: Callable[[], bool] = lambda: False) -> History:
    """Read the journals of this run's earlier starts, of `resume` (same stage) and of `earlier` stages.

    Blocks: call it in a thread. Never raises for what others left behind; ends early, knowing less, once
    `stopped` says so.
    """
    reader = _Reader(manifest, run.parent, stopped)
    for token in manifest.earlier:
        reader.read(token, same_stage=False)
    for token in (*manifest.resume, run.name):
        reader.read(token, same_stage=True)
    return reader.history


class _Reader:
    def __init__(self, manifest: Manifest, runs: Path, stopped: Callable[[], bool]) -> None:
        self.history = History()
        self._runs = runs
        self._distrusted = frozenset(manifest.distrusted)
        self._stopped = stopped
        self._wanted = {
            (document.sha256, page.number) for document in manifest.documents for page in document.pages
        }

    def read(self, token: str, *, same_stage: bool) -> None:
        """All journals of one run."""
        for journal in self._journals(token):
            for record in self._records(token, journal):
                if self._stopped():
                    return
                if record.get("kind") != PAGE:
                    continue
                try:
                    event = read_page_event(record, journal.name)
                except ProtocolError:
                    continue
                if (event.document, event.page) in self._wanted:
                    self._learn(event, same_stage)

    def _journals(self, token: str) -> list[Path]:
        folder = self._runs / token
        try:
            if not stat.S_ISDIR(folder.lstat().st_mode):
                raise NotADirectoryError
            names = sorted(entry.name for entry in folder.iterdir() if _JOURNAL.fullmatch(entry.name))
        except OSError:
            self.history.strange.append(token)
            return []
        return [folder / name for name in names if f"{token}/{name}" not in self._distrusted]

    def _records(self, token: str, journal: Path) -> Iterator[dict[str, Any]]:
        """Nothing of a journal that is not this run's own: a copy, or one whose header cannot be read."""
        records = read_records(journal)
        first = next(records, None)
        try:
            header = read_header(first or {}, journal.name)
            if header.token != token or f"journal-{header.generation}.jsonl" != journal.name:
                raise ProtocolError(journal.name, "is the journal of another run")
        except ProtocolError:
            self.history.strange.append(f"{token}/{journal.name}")
            return iter(())
        return records

    def _learn(self, event: PageEvent, same_stage: bool) -> None:
        past = self.history.pages.setdefault((event.document, event.page), Past())
        if event.status == OK:
            past.settled = True
        elif event.status == FAILED:
            if event.at >= past.at:
                past.failure, past.at = event.failure, event.at
            if event.provenance is not None and len(past.tried) < _MOST_TRIED:
                past.tried.add(event.provenance.settings_hash)
            past.failed = past.failed or event.last
            past.settled = past.settled or (same_stage and event.last)
