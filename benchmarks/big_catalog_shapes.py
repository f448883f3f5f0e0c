"""The shares and shapes of a large archive half way through: how long documents are, how batches stand, how
sure engines are. Chosen to be like real ones, not measured on one."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any, ClassVar

ARCHIVE_BEGAN = 1_750_000_000.0
"""Seconds since the epoch: when the first document was imported."""

FAILURES = {
    "repetition": 0.24, "coverage": 0.22, "low_confidence": 0.2, "truncated": 0.1, "empty": 0.08,
    "charset": 0.05, "invalid_markup": 0.04, "rotation": 0.03, "timeout": 0.02, "render": 0.01,
    "runaway": 0.01,
}  # fmt: skip
ENGINES = {"chandra": 0.7, "deepseek_ocr": 0.18, "tesseract": 0.12}

_FRENCH = ("bulletin officiel", "journal officiel", "décret", "dahir", "arrêté", "recueil des traités")
_ARABIC = ("الجريدة الرسمية", "نظام الإحصاء", "قرار وزاري", "مرسوم", "ظهير شريف")


@dataclass(frozen=True)
class Progress:
    """How a batch's pages stand: state → share; `live`: jobs of it are there."""

    shares: dict[str, float]
    submitted: bool = True
    live: bool = False


_READ = Progress({"ok": 0.925, "failed": 0.02, "gave_up": 0.05, "ignored": 0.005})
_CLEAN = Progress({"ok": 0.96, "gave_up": 0.04})
_RUNNING = Progress({"ok": 0.5, "failed": 0.03, "running": 0.07, "queued": 0.4}, live=True)
_QUEUED = Progress({"queued": 1.0}, live=True)
_PLANNED = Progress({"planned": 1.0}, submitted=False)


def progress_of(number: int, batches: int, chance: random.Random) -> Progress:
    """The first four fifths are read, then some run, some wait, and the last are planned."""
    share = number / batches
    if share < 0.84:
        return _CLEAN if chance.random() < 0.5 else _READ
    return _RUNNING if share < 0.855 else _QUEUED if share < 0.92 else _PLANNED


def document_pages(chance: random.Random) -> int:
    """Mostly under twenty pages, a few of hundreds."""
    return min(900, max(1, round(chance.lognormvariate(2.3, 1.1))))


def document_name(number: int, language: str, chance: random.Random) -> str:
    """As gazettes are named; a third holds the word "bulletin"."""
    year = 1912 + number % 110
    if language == "ar":
        return f"{chance.choice(_ARABIC)} {number} {year}.pdf"
    return f"{chance.choice(_FRENCH)} n° {number} du {1 + number % 28:02}-{1 + number % 12:02}-{year}.pdf"


def confidence_of(state: str, draw: float) -> float:
    """Of pages that went well mostly above 0.9, of others all over the place."""
    return round(1 - 0.4 * draw**3, 4) if state == "ok" else round(0.15 + 0.7 * draw, 4)


@dataclass(frozen=True)
class JobShape:
    """One job of a batch's chain."""

    id: int
    batch: int
    stage: int
    state: str
    cause: str | None

    COLUMNS: ClassVar = (
        "id", "chain_id", "stage", "try_number", "engine", "site", "token", "scheduler_id", "state", "cause",
        "reason", "pages", "ok", "failed", "created_at", "submitted_at", "started_at", "ended_at",
        "heartbeat_at", "heartbeat",
    )  # fmt: skip

    @property
    def token(self) -> str:
        return f"b{self.batch:06}s{self.stage}"

    @property
    def chain_state(self) -> str:
        return "done" if self.state == "finished" else "live"

    def row(self) -> tuple[Any, ...]:
        ended, runs = self.state == "finished", self.state == "running"
        begun = ARCHIVE_BEGAN + self.batch * 60.0
        ok = 93 if ended else 50 if runs else 0
        beat = {"pages_per_s": 0.42, "in_flight": 64, "gpu_percent": 91.0} if runs else {}
        reason = "Not Running: Insufficient amount of resource: ngpus" if self.state == "queued" else ""
        return (self.id, self.batch, self.stage, 1, list(ENGINES)[self.stage], "cluster", self.token,
                f"{400_000 + self.id}.pbs", self.state, self.cause, reason, 100, ok, 7 if ended else 3 * runs,
                begun, begun, begun if ended or runs else None, begun + 240 if ended else None,
                begun + 200 if ended or runs else None, json.dumps(beat))  # fmt: skip


def jobs_of(batch: int, progress: Progress, before: int, chance: random.Random) -> list[JobShape]:
    """Those of one batch; a few ended otherwise than well."""
    if not progress.submitted:
        return []
    if not progress.live:
        cause = "walltime" if chance.random() < 0.02 else "ok"
        return [JobShape(before + 1 + stage, batch, stage, "finished", cause) for stage in (0, 1)]
    first = "running" if "running" in progress.shares else "queued"
    return [JobShape(before + 1, batch, 0, first, None), JobShape(before + 2, batch, 1, "held", None)]
