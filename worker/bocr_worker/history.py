"""What earlier tries of this stage, and earlier stages, already found out about each page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bocr_worker.journal import read_records
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.events import FAILED, OK, PAGE, read_page_event
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Manifest

PageKey = tuple[str, int]


@dataclass
class Past:
    """One page's past. `settled` means that this stage has nothing more to do for it."""

    settled: bool = False
    failure: FailureClass | None = None
    tried: tuple[str, ...] = ()


def read_history(manifest: Manifest, run: Path) -> dict[PageKey, Past]:
    """Read the journals of this run's earlier starts, of `resume` (same stage) and of `earlier` stages."""
    history: dict[PageKey, Past] = {}
    runs, distrusted = run.parent, frozenset(manifest.distrusted)

    def believed(token: str) -> list[Path]:
        journals = sorted((runs / token).glob("journal-*.jsonl"))
        return [journal for journal in journals if f"{token}/{journal.name}" not in distrusted]

    for token in manifest.earlier:
        _collect(history, believed(token), same_stage=False)
    for token in (*manifest.resume, run.name):
        _collect(history, believed(token), same_stage=True)
    return history


def _collect(history: dict[PageKey, Past], journals: Iterable[Path], *, same_stage: bool) -> None:
    for journal in journals:
        for record in read_records(journal):
            if record.get("kind") != PAGE:
                continue
            try:
                event = read_page_event(record, journal.name)
            except ProtocolError:
                continue
            past = history.setdefault((event.document, event.page), Past())
            if event.status == OK:
                past.settled = True
            elif event.status == FAILED:
                past.failure = event.failure
                if event.provenance is not None:
                    past.tried = (*past.tried, event.provenance.settings_hash)
                if same_stage and event.last:
                    past.settled = True
