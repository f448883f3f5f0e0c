"""The sign that a job is to end: by a signal, a stop file, or a claim that was lost."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")

SIGNAL_GRACE_S = 0.5
"""A scheduler signals all of a job's processes at once. What a child's death makes of it may be seen before
our own signal is: so long we wait to know whether one comes."""


END_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
BY_SIGNAL = "ended by a signal"


class JobStops(Exception):
    """What was waited for is not waited for any more."""


class StopSign:
    """Given once; whoever asks after that learns the first reason. Used from one asyncio loop, but `given`
    from any thread."""

    def __init__(self) -> None:
        self.reason = ""
        self._event = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []

    def given(self) -> bool:
        return self._event.is_set()

    def give(self, reason: str) -> None:
        if not self.given():
            self.reason = reason
            self._event.set()
            for listener in self._listeners:
                listener()

    def heed_signals(self) -> None:
        """SIGTERM, SIGINT and SIGHUP give the sign from now on; a SIGHUP that whoever started us ignores
        stays ignored. Needs the main thread's loop."""
        loop = asyncio.get_running_loop()
        for number in END_SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            loop.add_signal_handler(number, self.give, BY_SIGNAL)

    def on_given(self, listener: Callable[[], None]) -> None:
        """Call `listener` when it is given; at once where it was."""
        self._listeners.append(listener)
        if self.given():
            listener()

    async def wait(self) -> None:
        await self._event.wait()

    async def comes_within(self, seconds: float) -> bool:
        """Whether it is given, or will be that soon."""
        if self.given():
            return True
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def unless_given(self, work: Awaitable[Answer]) -> Answer:
        """The work's answer, or JobStops as soon as the sign is given; then the work is cancelled. A thread
        cannot be: what runs in one asks `given` now and then."""
        task = asyncio.ensure_future(work)
        waiting = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            waiting.cancel()
        if task.done():
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise JobStops
