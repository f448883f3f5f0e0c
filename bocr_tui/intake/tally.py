"""Counting an import while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from bocr_tui.catalog.database import Catalog
from bocr_tui.catalog.words import READABLE
from bocr_tui.intake.discovery import Found, Trouble
from bocr_tui.intake.findings import MOST_PROBLEMS, ImportProgress, ImportReport
from bocr_tui.intake.names import display_name
from bocr_tui.intake.records import Novelty, Outcome

_TELL_EVERY_S = 0.1


class Tally:
    """What has been found and done so far. `found` and `looking` are set by whoever looks for files."""

    def __init__(self, on_progress: Callable[[ImportProgress], None] | None) -> None:
        self.found = 0
        self.looking = True
        self._on_progress = on_progress
        self._told_at = 0.0
        self._done = 0
        self._bytes = 0
        self._pages = 0
        self._name = ""
        self._unreadable = 0
        self._novelties = dict.fromkeys(Novelty, 0)
        self._document_ids: set[int] = set()
        self._problems: list[tuple[str, str]] = []

    @property
    def complete(self) -> bool:
        """Whether everything was found and done."""
        return not self.looking and self._done == self.found

    def add(self, outcome: Outcome) -> None:
        self._novelties[outcome.novelty] += 1
        self._document_ids.add(outcome.document_id)
        self._bytes += outcome.found.size_bytes
        self._pages += outcome.pages
        self._finish(outcome.found)
        if outcome.reason:
            self._problem(outcome.found, outcome.reason, unreadable=outcome.state not in READABLE)

    def add_trouble(self, trouble: Trouble) -> None:
        self._finish(trouble)
        self._problem(trouble, trouble.sentence, unreadable=True)

    def tell(self, *, now: bool = False) -> None:
        """Report progress, unless that was done a moment ago."""
        if self._on_progress is None or (not now and time.monotonic() - self._told_at < _TELL_EVERY_S):
            return
        self._told_at = time.monotonic()
        self._on_progress(
            ImportProgress(self.found, self._done, self._pages, self._bytes, self._name, self.looking)
        )

    def report(self, catalog: Catalog, missing: int, stopped: bool, seconds: float) -> ImportReport:
        document_ids = tuple(sorted(self._document_ids))
        with catalog.reading() as connection:
            (pages,) = connection.exec_driver_sql(
                "SELECT coalesce(sum(page_count), 0) FROM document"
                " WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(document_ids),),
            ).one()
        return ImportReport(
            found=self.found,
            added=self._novelties[Novelty.ADDED],
            known=self._novelties[Novelty.KNOWN],
            changed=self._novelties[Novelty.CHANGED],
            unreadable=self._unreadable,
            missing=missing,
            pages=pages,
            document_ids=document_ids,
            problems=tuple(self._problems),
            seconds=seconds,
            stopped=stopped,
        )

    def _finish(self, entry: Found | Trouble) -> None:
        self._done += 1
        self._name = display_name(entry.label)

    def _problem(self, entry: Found | Trouble, sentence: str, *, unreadable: bool) -> None:
        self._unreadable += unreadable
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append((display_name(entry.label), sentence))
