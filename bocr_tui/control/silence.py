"""How long a scheduler has known nothing of a job, and when that is certain."""

from __future__ import annotations

import time


class Silence:
    """Sound answers that a scheduler knows a job no more: how many, and over what time."""

    def __init__(self) -> None:
        self.first = self.last = time.monotonic()
        self.count = 0

    def seen(self) -> None:
        self.last = time.monotonic()
        self.count += 1

    def certain(self, after_s: float, apart_s: float) -> bool:
        """At least two, `apart_s` between the first and the last, and long enough for a report to come."""
        return (
            self.count >= 2 and self.last - self.first >= apart_s and time.monotonic() - self.first >= after_s
        )
