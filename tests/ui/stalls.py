"""What holds up the loop that draws: every callback of it that takes long, in CPU time of its own thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

STALL_S = 0.1
"""CPU time of one callback that a person feels; the thread's own, so that a busy machine adds nothing."""


@dataclass(frozen=True)
class Stall:
    """`what` is the callback as asyncio tells it."""

    cpu_s: float
    what: str


@contextmanager
def watched_loop(longest_s: float = STALL_S) -> Iterator[list[Stall]]:
    """The stalls of this thread's loops while the block lasts."""
    found: list[Stall] = []
    here = threading.get_ident()
    plainly = asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        plainly(handle)
        spent = time.thread_time() - began
        if spent > longest_s and threading.get_ident() == here:
            found.append(Stall(spent, repr(handle)))

    with patch.object(asyncio.Handle, "_run", measured):
        yield found
