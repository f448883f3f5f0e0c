"""How often one question is put to servers that fail, and when its page is to blame."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bocr_worker.runtimes.openai.lane import Lane

_TRIES = 3
"""Between so many errors on one question and the next ones others were put and answered: then it is this
page that the server cannot take."""

_TRIES_AT_MOST = 8
"""Errors on one question while hardly any other is asked. So often, too, is a question turned away (429, 503)
before it can be more than bad luck: for a minute, as the pauses grow."""

FEW = 2
"""Questions that fail at a time: then it may be they, and not the server."""

DEATHS = 3
"""Deaths of the server with this question inside. After the second it is let in alone, so that the third is
its own."""

_LONGEST_BACKOFF_S = 30.0


class Patience:
    """With one question. `deaths` of the server, `errors` of any kind; `waits` are the times that it was
    turned away."""

    def __init__(self, backoff_s: float) -> None:
        self._backoff_s = backoff_s
        self._errors: list[tuple[Lane, float]] = []
        self._waits: list[tuple[Lane, float]] = []
        self.deaths = 0

    @property
    def errors(self) -> int:
        return len(self._errors)

    @property
    def waits(self) -> int:
        return len(self._waits)

    @property
    def is_suspect(self) -> bool:
        return self.deaths >= DEATHS - 1

    def failed(self, lane: Lane, at: float) -> None:
        """`at` as time.monotonic() tells it."""
        self._errors.append((lane, at))

    def turned_away(self, lane: Lane, at: float) -> None:
        """The server had too much to do, it says: no error, but a reason to wait longer."""
        self._waits.append((lane, at))

    @property
    def is_picked_on(self) -> bool:
        """Turned away again and again while others were let in: then the server is hardly busy."""
        return _own(self._waits) >= _TRIES

    def is_in_vain(self, failing: int, unluckiest: float) -> bool:
        """Whether a server that is only busy would have taken it by now. `unluckiest`: how often those that
        were answered lately had been turned away, at most. While many fail at a time and none is answered,
        the server is at fault, and whoever watches it decides."""
        if self.waits < _TRIES_AT_MOST:
            return False
        return failing <= FEW or (self.is_picked_on and self.waits > 2 * unluckiest)

    def is_spent(self, failing: int) -> bool:
        """`failing`: questions that fail now, this one among them. While many do and nobody is answered, the
        server is at fault, and whoever watches it decides."""
        own = _own(self._errors)
        return own >= _TRIES or (self.errors >= _TRIES_AT_MOST and (failing <= FEW or own > 0))

    def backoff_s(self) -> float:
        """Doubles with each time; spread, so that those who failed together do not come back together."""
        doubled = self._backoff_s * 2.0 ** min(self.errors + self.waits, 20)
        return min(doubled, _LONGEST_BACKOFF_S) * (0.5 + random.random() / 2)  # noqa: S311


def _own(troubles: list[tuple[Lane, float]]) -> int:
    """How often the same server, between one of them and the next, took another question that it answered.
    What is answered meanwhile may have been inside before the server fell ill; what was put after the last
    trouble may mean that it is well again."""
    times: dict[Lane, list[float]] = {}
    for lane, at in troubles:
        times.setdefault(lane, []).append(at)
    return sum(
        any(since < asked_at < until for asked_at in lane.taken)
        for lane, each in times.items()
        for since, until in pairwise(each)
    )
