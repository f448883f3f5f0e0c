"""The engine itself doubts what it read.

Thresholds, from 61 readings of real pages by Tesseract 5.3 (mean of its word confidences, weighted by
characters): right language 0.67 to 0.98, wrong language 0.17 to 0.32, half a page in a wrong script 0.47 to
0.65 with windows below 0.29. rapidocr's scores say less: good pages 0.95 and more, Arabic it cannot read 0.57
to 0.97. So a mean below 0.5 fails, a fair one fails only with a window of pure noise in it, and junk that is
sure of itself is left to the detector of coverage.
"""

from __future__ import annotations

import math

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.quality.quote import quote
from bocr_worker.quality.verdict import Case, Finding

POOR = 0.5
FAIR = 0.8
HALF_NOISE_MEAN, HALF_NOISE_MINIMUM = 0.66, 0.3
NOISE_MINIMUM = 0.3


def low_confidence(case: Case) -> Finding | None:
    """Unknown confidence (None) is not low confidence."""
    mean, minimum = case.recognition.confidence.mean, case.recognition.confidence.minimum
    if mean is None or not math.isfinite(mean):
        return None
    least = mean if minimum is None or not math.isfinite(minimum) else minimum
    fails = mean < POOR or (mean < HALF_NOISE_MEAN and least < HALF_NOISE_MINIMUM)
    if not fails and mean >= FAIR and least >= NOISE_MINIMUM:
        return None
    evidence: dict[str, object] = {"mean": round(mean, 3), "minimum": round(least, 3)}
    doubted = [block for block in case.recognition.blocks if block.confidence is not None]
    if doubted:
        worst = min(doubted, key=lambda block: (block.confidence or 0.0, -len(block.text)))
        evidence["worst"] = quote(worst.text)
    severity = min(1.0, max(0.0, 1.0 - mean))
    return Finding(FailureClass.LOW_CONFIDENCE, evidence, max(0.5, severity) if fails else min(0.4, severity))
