"""The verdict on one reading of one page: all detectors, in order of cause."""

from __future__ import annotations

from collections.abc import Callable

from bocr_worker.language import scripts
from bocr_worker.quality.answer import invalid_markup, truncated
from bocr_worker.quality.charset import charset, screen
from bocr_worker.quality.coverage import coverage
from bocr_worker.quality.emptiness import blank_text, empty
from bocr_worker.quality.low_confidence import low_confidence
from bocr_worker.quality.repetition import repetition
from bocr_worker.quality.rotation import rotation
from bocr_worker.quality.runaway import runaway
from bocr_worker.quality.verdict import FAILING, Case, Finding, Verdict

__all__ = ["DETECTORS", "Detector", "judge", "screen"]

Detector = Callable[[Case], Finding | None]

DETECTORS: tuple[Detector, ...] = (
    blank_text,
    repetition,
    invalid_markup,
    truncated,
    empty,
    runaway,
    charset,
    rotation,
    coverage,
    low_confidence,
)
"""Most causal first: the first that fails the page names its class, the others are kept as doubts. A page
without ink makes a model invent; a loop runs into the limit of tokens and tears the markup, never the other
way round. A new detector is a pure function from a case to a finding, and a place in this order. Transport,
timeout and render are found by those who ask and draw, not here."""

UNKNOWN_CONFIDENCE = 0.75
"""What an engine that does not say is worth when attempts are compared."""

_DOUBT_WEIGHT = 0.5


def judge(case: Case) -> Verdict:
    """Deterministic, and never raises on any text, boxes or grid."""
    findings = [finding for detector in DETECTORS if (finding := detector(case)) is not None]
    failing = next((finding for finding in findings if finding.severity >= FAILING), None)
    doubts = tuple(finding for finding in findings if finding is not failing)
    return Verdict(failing, doubts, _score(case, failing, doubts), scripts(case.recognition.text))


def _score(case: Case, failing: Finding | None, doubts: tuple[Finding, ...]) -> float:
    """0..1, for ordering attempts on one page: every accepted one ranks above every failed one, then the
    engine's confidence and the weight of all objections decide."""
    mean = case.recognition.confidence.mean
    quality = UNKNOWN_CONFIDENCE if mean is None else min(1.0, max(0.0, mean))
    for doubt in doubts:
        quality *= 1.0 - _DOUBT_WEIGHT * doubt.severity
    if failing is None:
        return round(0.5 + 0.5 * quality, 4)
    return round(0.5 * quality * (1.0 - 0.9 * failing.severity), 4)
