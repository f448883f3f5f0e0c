"""From an engine's many confidences to the two numbers kept of them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

from bocr_worker.protocol.recognition import Confidence

WINDOW_WEIGHT = 120.0
"""Characters (or tokens) of a window: about two lines of a gazette's column. Shorter, and one misread word
makes the minimum; longer, and a garbled paragraph drowns in its neighbours."""

_MOST_WEIGHT = 1e9
"""No piece of a page is larger; sums of larger numbers lose the small ones, or overflow."""


def summarise(
    readings: Iterable[tuple[float | None, float]], window_weight: float = WINDOW_WEIGHT
) -> Confidence:
    """The weighted mean, and the least mean of any window of consecutive readings.

    `readings` are (confidence 0..1, weight) in reading order, the weight being characters for words and
    lines, 1 for tokens. Unknown confidences (None, not finite) and weights that are none are left
    out; with nothing left both numbers are None, which is not zero. A text shorter than a window has its
    mean as its minimum.
    """
    window: deque[tuple[float, float]] = deque()
    inside = inside_sum = total = total_sum = 0.0
    least: float | None = None
    for confidence, weight in readings:
        if confidence is None or not math.isfinite(confidence) or not 0 < weight <= _MOST_WEIGHT:
            continue
        value = min(1.0, max(0.0, confidence))
        window.append((value, weight))
        inside, inside_sum = inside + weight, inside_sum + value * weight
        total, total_sum = total + weight, total_sum + value * weight
        while inside - window[0][1] >= window_weight:
            first, first_weight = window.popleft()
            inside, inside_sum = inside - first_weight, inside_sum - first * first_weight
        if inside >= window_weight:
            mean_here = inside_sum / inside
            least = mean_here if least is None else min(least, mean_here)
    if total == 0:
        return Confidence()
    mean = total_sum / total
    return Confidence(mean=_share(mean), minimum=_share(mean if least is None else min(least, mean)))


def _share(value: float) -> float:
    """Four digits are all that is stored; summing floats may step out of 0..1 by a hair."""
    return round(min(1.0, max(0.0, value)), 4)
