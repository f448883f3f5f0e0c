"""What holds up the loop that draws: every step of it that takes long, in CPU time of its own thread.

The thread's own, so that waiting for a busy machine adds nothing. What else such a machine does to it is
taken out: beside a neighbour on the same core, work takes up to twice its CPU time, so a small fixed work is
timed whenever a step seems long. So is Python's look for garbage, which goes through everything that a test
session has loaded; in the panel's process it is kept seldom (bocr_tui/ui/garbage.py).
"""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from unittest.mock import patch

from textual.message import Message
from textual.message_pump import MessagePump

STALL_S = 0.1
"""CPU time of one step that a person feels."""

TESTS = str(Path(__file__).resolve().parents[1])
LONGEST = 160
"""Characters of what took long; a message may hold a whole text."""


@dataclass(frozen=True)
class Stall:
    """`what` is who handled which message, or the callback as asyncio tells it. `cpu_s` is what it takes on
    a core of its own."""

    cpu_s: float
    what: str

    def __str__(self) -> str:
        return f"{self.what} took {self.cpu_s * 1000:.0f} ms of the loop's CPU"


def fail_on(stalls: list[Stall]) -> None:
    """Raises AssertionError that names each."""
    if stalls:
        told = "\n".join(map(str, stalls))
        raise AssertionError(f"the loop that draws stood still, limit {STALL_S * 1000:.0f} ms:\n{told}")


def _scattered() -> list[tuple[str, str, str, str]]:
    made = [(str(number), "of", "a", "screen") for number in range(5_000)]
    random.Random(5_000).shuffle(made)
    return made


SCATTERED = _scattered()
"""All over the memory, as what a screen is made of: a neighbour takes the caches, too."""


class _SmallWork:
    """A fixed work, and the least CPU time that it ever took in this process."""

    def __init__(self) -> None:
        self._least_s = float("inf")

    def slowness(self) -> float:
        """What it takes now ÷ the least; at least 1."""
        took_s = [self._timed_s() for _ in range(5)]
        self._least_s = min(self._least_s, *took_s)
        return median(took_s) / self._least_s

    @staticmethod
    def _timed_s() -> float:
        began = time.thread_time()
        made: dict[int, str] = {}
        for number, words in enumerate(SCATTERED):
            made[len(words) % 7] = words[0] + str(number)
        return time.thread_time() - began


SMALL_WORK = _SmallWork()


class _Watch:
    """Times the steps of this thread's loops, and knows which messages each step handled."""

    def __init__(self, longest_s: float) -> None:
        self.found: list[Stall] = []
        self._longest_s = longest_s
        self._here = threading.get_ident()
        self._handled: list[tuple[str, float]] = []
        self._garbage_s = 0.0
        self._garbage_began = 0.0
        self._run = asyncio.Handle._run
        self._dispatch = MessagePump._dispatch_message

    def hear_garbage(self, phase: str, _: object) -> None:
        if threading.get_ident() != self._here:
            return
        if phase == "start":
            self._garbage_began = time.thread_time()
        else:
            self._garbage_s += time.thread_time() - self._garbage_began

    def run(self, handle: asyncio.Handle) -> None:
        if threading.get_ident() != self._here or _is_the_test(handle):
            self._run(handle)
            return
        self._handled.clear()
        before = self._now_s()
        self._run(handle)
        spent = self._now_s() - before
        if spent > self._longest_s and (alone := spent / SMALL_WORK.slowness()) > self._longest_s:
            self.found.append(Stall(alone, self._slowest() or repr(handle)[:LONGEST]))

    async def dispatch(self, pump: MessagePump, message: Message) -> None:
        if threading.get_ident() == self._here:
            self._handled.append((f"{type(pump).__name__} on {message!r}"[:LONGEST], self._now_s()))
        await self._dispatch(pump, message)

    def _slowest(self) -> str:
        """Of the messages that this step began to handle."""
        if not self._handled:
            return ""
        ends = [began for _, began in self._handled[1:]] + [self._now_s()]
        spent = [(end - began, name) for (name, began), end in zip(self._handled, ends, strict=True)]
        return max(spent)[1]

    def _now_s(self) -> float:
        return time.thread_time() - self._garbage_s


def _is_the_test(handle: asyncio.Handle) -> bool:
    """What a test itself does between two keys holds up nobody."""
    task = getattr(getattr(handle, "_callback", None), "__self__", None)
    code = getattr(task.get_coro(), "cr_code", None) if isinstance(task, asyncio.Task) else None
    return code is not None and code.co_filename.startswith(TESTS)


@contextmanager
def watched_loop(longest_s: float = STALL_S) -> Iterator[list[Stall]]:
    """The stalls of this thread's loops while the block lasts."""
    watch = _Watch(longest_s)
    SMALL_WORK.slowness()

    def run(handle: asyncio.Handle) -> None:
        watch.run(handle)

    async def dispatch(pump: MessagePump, message: Message) -> None:
        await watch.dispatch(pump, message)

    gc.callbacks.append(watch.hear_garbage)
    try:
        with (
            patch.object(asyncio.Handle, "_run", run),
            patch.object(MessagePump, "_dispatch_message", dispatch),
        ):
            yield watch.found
    finally:
        gc.callbacks.remove(watch.hear_garbage)
