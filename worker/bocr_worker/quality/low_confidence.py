"""The engine itself doubts what it read.

Thresholds, from 82 readings of real pages by Tesseract 5.3 (mean of its word confidences, weighted by
characters): right language 0.68 to 0.98, wrong language 0.17 to 0.32, half a page in a script it was not told
of 0.65 to 0.70, with 30% of the characters in words below 0.4 where good pages have at most 26% (dotted
leaders read as words). rapidocr's scores say less: good pages 0.95 and more, Arabic it cannot read 0.52
to 0.97. So a mean below 0.5 fails, a fair one fails only with noise in it, and junk that is sure of itself is
left to the detector of coverage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.quality.quote import quote
from bocr_worker.quality.verdict import Case, Finding

POOR, FAIR = 0.5, 0.8

NOISY_MEAN, NOISY_SHARE = 0.7, 0.28
NOISE = 0.4
"""A word less sure than this is noise; NOISY_SHARE of the characters in such words fails a fair page."""

NOISY_WINDOW_MEAN, NOISY_WINDOW = 0.66, 0.3
"""The same for engines that tell no words: a window of pure noise in a fair page."""

DOUBT = 0.4


def low_confidence(case: Case) -> Finding | None:
    """Unknown confidence (None) is not low confidence."""
    recognition = case.recognition
    mean, minimum = recognition.confidence.mean, recognition.confidence.minimum
    if mean is None or not math.isfinite(mean):
        return None
    least = mean if minimum is None or not math.isfinite(minimum) else minimum
    if mean >= FAIR and least >= NOISY_WINDOW:
        return None
    noise = _noise_share(recognition)
    fails = (
        mean < POOR
        or (mean < NOISY_MEAN and noise is not None and noise >= NOISY_SHARE)
        or (mean < NOISY_WINDOW_MEAN and least < NOISY_WINDOW)
    )
    evidence: dict[str, object] = {"mean": round(mean, 3), "minimum": round(least, 3)}
    if noise is not None:
        evidence["noise_share"] = round(noise, 3)
    doubted = [block for block in recognition.blocks if block.confidence is not None]
    if doubted:
        evidence["worst"] = quote(min(doubted, key=lambda block: block.confidence or 0.0).text)
    severity = min(1.0, max(0.0, 1.0 - mean))
    return Finding(
        FailureClass.LOW_CONFIDENCE, evidence, max(0.5, severity) if fails else min(DOUBT, severity)
    )


def _noise_share(recognition: Recognition) -> float | None:
    """The share of characters in words that are noise; None where no word has a confidence."""
    total = noise = 0
    for confidence, length in _words(recognition):
        total += length
        noise += length if confidence < NOISE else 0
    return noise / total if total else None


def _words(recognition: Recognition) -> Iterator[tuple[float, int]]:
    for block in recognition.blocks:
        for piece in block.words or (block,):
            if piece.confidence is not None:
                yield piece.confidence, len(piece.text)
