"""How many questions a server is given at a time: as many as keep it busy, and hardly one more.

Where the server tells how many wait in its line, that is the measure: an empty line lets more in, a line of
more than a few means that the server is full. Where it does not, a question too many shows by a refusal. The
way of TCP: grow step by step, shrink by a share, once for all that was sent before the last shrinking.
"""

from __future__ import annotations

import time

from bocr_worker.runtimes.openai.metrics import Load

_SHRINK = 0.7
_SPARE_SHARE = 16
"""One of so many questions may wait in line: what is answered is replaced at once, without a round to us."""

_UNHEARD_SHARE = 8
"""One of so many questions may be on its way to the server, or back, when it is known to have room."""

_PATIENCE = 2
"""So many looks in a row must show a line: right after a burst there always is one."""


class Gate:
    """`limit` is how many may be inside now, at most `most`. Not for threads."""

    def __init__(self, start: int, most: int) -> None:
        self.most = max(1, most)
        self.limit = max(1, min(start, self.most))
        self.inside = 0
        self._doubling = True
        self._lines_seen = 0
        self._preemptions: float | None = None
        self._has_load = False
        self._answered = 0
        self._shrunk_at = float("-inf")
        self._running = self._waiting = 0
        self._idle_s = 0.0
        self._idle_since: float | None = time.monotonic()

    @property
    def idle_s(self) -> float:
        """For how long nobody was inside since it was made."""
        since = self._idle_since
        return self._idle_s + (0.0 if since is None else time.monotonic() - since)

    @property
    def is_searching(self) -> bool:
        """Whether another look may well double the limit soon: the server has no line, and what was let in
        last is on its way."""
        return (
            self._doubling and self.limit <= 2 * self.inside and self.limit < self.most and not self._waiting
        )

    @property
    def has_room(self) -> bool:
        return self.inside < self.limit

    def enter(self) -> None:
        if self._idle_since is not None:
            self._idle_s += time.monotonic() - self._idle_since
            self._idle_since = None
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1
        if not self.inside:
            self._idle_since = time.monotonic()

    def answered(self) -> None:
        """One got its answer while the gate was full. Only counts where the server does not tell its line."""
        if self._has_load or self.inside < self.limit:
            return
        self._answered += 1
        if self._answered >= self.limit:
            self._answered = 0
            self._grow()

    def overloaded(self, asked_at: float, now: float) -> None:
        """A question sent at `asked_at` was one too many, or took too long."""
        if asked_at < self._shrunk_at:
            return
        self._shrunk_at = now
        self._doubling = False
        self.limit = max(1, int(self.limit * _SHRINK))

    def look(self, load: Load) -> None:
        """The server's own word, every few seconds."""
        self._has_load = True
        before, self._preemptions = self._preemptions, load.preemptions
        if before is not None and load.preemptions > before:
            # Its memory is too small for so many: what it put back is computed again.
            self._doubling = False
            if self.inside <= self.limit:
                self.limit = max(1, self.limit - max(1, self.limit // 10))
            return
        spare = 1 + self.limit // _SPARE_SHARE
        taking_in = load.running > self._running + self._running // _SPARE_SHARE
        self._running, self._waiting = load.running, load.waiting
        if load.waiting > spare:
            # A line of which the server takes more and more in is a burst that it has not looked at yet.
            self._lines_seen = 0 if taking_in else self._lines_seen + 1
            if self._lines_seen >= _PATIENCE:
                self._doubling = False
                # Reckoned from those inside, who leave slowly: what is too much now is not taken off again.
                self.limit = max(1, min(self.limit, self.inside - load.waiting + spare))
            return
        self._lines_seen = 0
        # What it has not heard of yet, it may still put in line.
        unheard = self.inside - load.running
        if (
            load.waiting == 0
            and self.inside >= self.limit
            and unheard <= max(2, self.limit // _UNHEARD_SHARE)
        ):
            self._grow()

    def _grow(self) -> None:
        step = self.limit if self._doubling else max(1, self.limit // 16)
        self.limit = min(self.most, self.limit + step)
