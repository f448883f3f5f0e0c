"""What may be wrong with a server whose process still runs."""

from __future__ import annotations

import time

from bocr_worker.runtimes.openai.metrics import Load

_MISSES = 6
"""Looks at a server in a row without a sign of health or of any work. One miss under load is nothing."""


class Vigil:
    """Told of every look at one server."""

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._misses = 0
        self._work: tuple[float | None, int] = (None, 0)
        self._worked_at = time.monotonic()

    def objection(self, load: Load | None, healthy: bool, answers: int, inside: int) -> str:
        """Empty while there is none."""
        now = time.monotonic()
        tokens = None if load is None else load.tokens
        work = (self._work[0] if tokens is None else tokens, answers)
        worked = work != self._work
        if worked or not inside:
            self._work, self._worked_at = work, now
        self._misses = 0 if healthy or worked else self._misses + 1
        if self._misses >= _MISSES:
            return f"no sign of health, {_MISSES} times in a row"
        if tokens is not None and now - self._worked_at >= self._stall_s:
            return f"not one token in {self._stall_s:g} s (stall_s) while {inside} questions wait: it hangs"
        return ""
