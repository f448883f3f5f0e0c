"""How often one question is put to servers that fail, and when its page is to blame."""

from __future__ import annotations

import random

_TRIES = 3
"""Errors on one question while others got answers: then it is this page that the server cannot take."""

_TRIES_AT_MOST = 8
"""Errors on one question while hardly any other is asked."""

_FEW = 2
DEATHS = 3
"""Deaths of the server with this question inside. After the second it is let in alone, so that the third is
its own."""

_LONGEST_BACKOFF_S = 30.0


class Patience:
    """With one question. `deaths` of the server, `errors` of any kind, `own` while others were answered."""

    def __init__(self, backoff_s: float) -> None:
        self._backoff_s = backoff_s
        self.errors = 0
        self.own = 0
        self.waits = 0
        self.deaths = 0

    @property
    def is_suspect(self) -> bool:
        return self.deaths >= DEATHS - 1

    def failed(self, others_answered: bool) -> None:
        self.errors += 1
        self.own += others_answered

    def turned_away(self) -> None:
        """The server had too much to do: no error, but a reason to wait longer."""
        self.waits += 1

    def is_spent(self, failing: int) -> bool:
        """`failing`: questions that fail now, this one among them. While many do, the server is at fault, and
        whoever watches it decides."""
        return self.own >= _TRIES or (self.errors >= _TRIES_AT_MOST and failing <= _FEW)

    def backoff_s(self) -> float:
        """Doubles with each time; spread, so that those who failed together do not come back together."""
        doubled = self._backoff_s * 2.0 ** min(self.errors + self.waits, 20)
        return min(doubled, _LONGEST_BACKOFF_S) * (0.5 + random.random() / 2)  # noqa: S311
