"""Engines that are libraries: each in child processes that can be killed, one page at a time.

A page that takes too long loses its process and nothing else; a process that dies by itself is replaced, and
its page asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from bocr_worker.children import Child, ChildDied, ChildFailed, ChildSpec, ChildTimeout, TaskRaised
from bocr_worker.engines.base import Ask, EngineSpec, EngineUnavailable
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder, Limits
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import AskFailed, EngineIdentity, RuntimeBroken
from bocr_worker.runtimes.local_child import Opening

_DEATHS_AT_START = 3
"""Processes that may die in a row while loading, in all slots together, before the engine counts as broken:
one may have met the system's memory killer."""

_PAGES_A_PROCESS = 2000
"""Then it is replaced: native code's memory fragments, and loading takes about a second."""


class LocalRuntime:
    """`processes` children (by the order, else by the engine for these cores), each with its threads."""

    def __init__(self, spec: EngineSpec, order: EngineOrder, limits: Limits, cores: int) -> None:
        self.spec = spec
        self.processes, self.threads = shares(spec, order, cores)
        # Limits say nothing yet about an engine's memory; the signature is every runtime's.
        del limits
        self._children = [Child(_child_spec(spec, order, self.threads)) for _ in range(self.processes)]
        self._asked = dict.fromkeys(self._children, 0)
        self._free: asyncio.LifoQueue[Child] = asyncio.LifoQueue()
        self._deaths_at_start = 0
        self._broken: Exception | None = None
        self._begun = self._closed = False

    @property
    def slots(self) -> int:
        return self.processes

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the children that run now."""
        return tuple(child.pid for child in self._children if child.pid is not None)

    async def start(self) -> EngineIdentity:
        """Load the engine in every child. Raises EngineUnavailable or RuntimeBroken with the cause."""
        try:
            identities = await _all(self._load(child) for child in self._children)
        except BaseException:
            await self.close()
            raise
        for child in self._children:
            self._free.put_nowait(child)
        self._begun = True
        identity: EngineIdentity = identities[0]
        return identity

    async def ask(self, ask: Ask, deadline_s: float) -> Recognition:
        """The deadline counts from when a child takes the page. Cancellation kills that child."""
        if not self._begun:
            raise RuntimeBroken(f"engine {self.spec.name} is not running")
        child = await self._free.get()
        try:
            return await self._ask(child, ask, deadline_s)
        finally:
            self._free.put_nowait(child)

    async def _ask(self, child: Child, ask: Ask, deadline_s: float) -> Recognition:
        if self._asked[child] >= _PAGES_A_PROCESS:
            await child.close()
        await self._load(child)
        self._asked[child] += 1
        try:
            recognition: Recognition = await child.run(ask, deadline_s)
        except ChildTimeout as error:
            raise AskFailed(FailureClass.TIMEOUT, f"{self.spec.name} gave {error}") from None
        except ChildDied as error:
            cause = f"the process of {self.spec.name} ended while reading this page"
            raise AskFailed(FailureClass.TRANSPORT, cause, str(error), charged=False, died=True) from None
        except TaskRaised as error:
            if error.kind == "MemoryError":
                await child.kill()  # what is left of its memory is in pieces
            cause = f"{self.spec.name} failed on this page: {error.kind}"
            raise AskFailed(FailureClass.TRANSPORT, cause, error.message) from None
        return recognition

    async def _load(self, child: Child) -> EngineIdentity:
        """Start the child if it does not run. Raises EngineUnavailable or RuntimeBroken."""
        while self._broken is None:
            if child.pid is None:
                self._asked[child] = 0
            try:
                identity: EngineIdentity = await child.start()
            except TaskRaised as error:
                self._broken = self._broken or self._cannot_load(error)
            except (ChildFailed, OSError) as error:
                self._deaths_at_start += 1
                if self._deaths_at_start >= _DEATHS_AT_START:
                    self._broken = self._broken or self._cannot_load(error)
            else:
                self._deaths_at_start = 0
                if not self._closed:
                    return identity
                await child.kill()
        raise self._broken

    def _cannot_load(self, error: Exception) -> Exception:
        if isinstance(error, TaskRaised) and isinstance(error.error, EngineUnavailable):
            return error.error
        often = "" if isinstance(error, TaskRaised) else f", {_DEATHS_AT_START} times in a row"
        return RuntimeBroken(f"engine {self.spec.name} cannot be loaded: {error}{often}")

    async def close(self) -> None:
        """End every child; those that are reading are killed. Asks that wait get RuntimeBroken."""
        self._begun, self._closed = False, True
        self._broken = self._broken or RuntimeBroken(f"engine {self.spec.name} is not running")
        idle = {self._free.get_nowait() for _ in range(self._free.qsize())}
        await _all(child.close() if child in idle else child.kill() for child in self._children)
        for child in idle:
            self._free.put_nowait(child)


def shares(spec: EngineSpec, order: EngineOrder, cores: int) -> tuple[int, int]:
    """Processes and threads of each: what the order says, the rest by the engine and the cores."""
    if not order.processes and not order.threads:
        processes, threads = spec.processes_for(cores)
    elif order.processes:
        processes, threads = order.processes, order.threads or max(1, cores // order.processes)
    else:
        processes, threads = max(1, cores // order.threads), order.threads
    return max(1, processes), max(1, threads)


def _child_spec(spec: EngineSpec, order: EngineOrder, threads: int) -> ChildSpec:
    here = "bocr_worker.runtimes.local_child"
    count = str(threads)
    return ChildSpec(
        task=f"{here}:read",
        setup=f"{here}:load",
        setup_argument=Opening(spec.name, dict(order.options), threads),
        environment=(
            ("OMP_NUM_THREADS", count),
            ("OMP_THREAD_LIMIT", count),
            ("MKL_NUM_THREADS", count),
            ("OPENBLAS_NUM_THREADS", "1"),
            # Freed memory goes back to the system: a seventh less at the peak for a fiftieth of the time.
            ("MALLOC_ARENA_MAX", "2"),
            ("MALLOC_TRIM_THRESHOLD_", "16777216"),
            ("MALLOC_MMAP_THRESHOLD_", "8388608"),
        ),
    )


async def _all(work: Iterable[Any]) -> list[Any]:
    """gather that, on the first error, waits for the others' ends before it raises: none goes on unseen."""
    tasks = [asyncio.ensure_future(item) for item in work]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


__all__ = ["LocalRuntime", "shares"]
