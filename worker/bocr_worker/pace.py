"""How many pages a second a job finishes, over a while long enough to say so."""

from __future__ import annotations

from collections import deque

WINDOW_S = 60.0
"""From one heartbeat to the next an engine that takes six seconds a page finishes one page or none."""

LEAST_PAGES = 5
"""Slower engines are given longer, until so many pages were finished in it."""

LONGEST_S = 1800.0
"""What was longer ago says nothing of now."""


class Pace:
    """What was finished by when. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def saw(self, at_s: float, done: int) -> float:
        """`done` pages were finished by then. Returns the pages a second lately, 0 while none is known; the
        time before the first page (a model is loaded) does not count."""
        if not done:
            self._seen.clear()
        self._seen.append((at_s, done))
        while len(self._seen) > 2 and self._is_enough(at_s, done):
            self._seen.popleft()
        first_s, first = self._seen[0]
        return (done - first) / (at_s - first_s) if at_s > first_s else 0.0

    def _is_enough(self, at_s: float, done: int) -> bool:
        """Whether what was seen from the second on would do."""
        next_s, before = self._seen[1]
        span_s = at_s - next_s
        return span_s >= LONGEST_S or (span_s >= WINDOW_S and done - before >= LEAST_PAGES)
