"""How long a job's engine had nothing to read: what its GPUs stood idle, and why a page came late."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping


class Idling:
    """From the job's start on. `reading` is told whenever the number of pages with the engine changes;
    `on_first` is called when the first page was read."""

    def __init__(self, on_first: Callable[[], None] = lambda: None) -> None:
        self._on_first = on_first
        self._begun = time.monotonic()
        self._idle_s = 0.0
        self._idle_since: float | None = self._begun
        self._started_s: float | None = None
        self.first_page_s: float | None = None
        """From the job's start to the first page that the engine had read."""

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._begun

    @property
    def idle_s(self) -> float:
        since = self._idle_since
        return self._idle_s + (0.0 if since is None else time.monotonic() - since)

    def engine_starts(self) -> None:
        """From here on the runtime may know more exactly."""
        self._started_s = self.age_s

    def reading(self, pages: int) -> None:
        if pages and self._idle_since is not None:
            self._idle_s, self._idle_since = self.idle_s, None
        elif not pages and self._idle_since is None:
            self._idle_since = time.monotonic()

    def page_was_read(self) -> None:
        if self.first_page_s is None:
            self.first_page_s = self.age_s
            self._on_first()

    def facts(self, told: Mapping[str, float]) -> dict[str, float]:
        """For the journal and the job's last word. `told` are the runtime's own facts: of several servers
        each is idle by itself, which only it can tell."""
        idle_s = self.idle_s
        if self._started_s is not None and "idle_s" in told:
            idle_s = min(self._started_s + told["idle_s"], self.age_s)
        facts = {name: told[name] for name in ("start_s", "restarts", "lost_s") if name in told}
        if self.first_page_s is not None:
            facts["first_page_s"] = round(self.first_page_s, 1)
        return {**facts, "engine_idle_s": round(idle_s, 1)}
