"""Several render children at work: each page gets a deadline, and a page that kills its child kills nothing
else."""

from __future__ import annotations

import asyncio

from bocr_worker.children import Child, ChildDied, ChildFailed, ChildSpec, ChildTimeout, TaskRaised
from bocr_worker.protocol.manifest import Limits
from bocr_worker.render.page import RenderedPage, RendererCrashed, RenderFailed, RenderOrder

PAGES_PER_CHILD = 500
"""A child is replaced after so many pages: pdfium's caches and what it leaks never grow old, and a start of
0.2 s is spread over 10 s of work and more."""

_ENVIRONMENT = (
    # One thread a child: the children are as many as the cores are.
    ("OMP_NUM_THREADS", "1"),
    ("OPENBLAS_NUM_THREADS", "1"),
    # Freed bitmaps go back to the system, or every child would keep the size of its largest page; but not
    # those of an ordinary scan, of which each page would fault 35 MB of memory in again (a quarter of the
    # time that drawing one takes).
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_TRIM_THRESHOLD_", "134217728"),
    # Below this a bitmap reuses memory the process has: a fresh mapping for each one cost a third of the
    # time in page faults.
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
)

_MEBIBYTE = 1024 * 1024


class RendererBroken(Exception):
    """No child can even start: a library is missing, say. No page's fault; the job cannot go on."""


class RenderPool:
    """Draws up to `processes` pages at the same time, in child processes that start when first needed."""

    def __init__(self, limits: Limits, processes: int) -> None:
        self._limits = limits
        spec = ChildSpec(
            task="bocr_worker.render.task:render_page",
            setup="bocr_worker.render.task:set_up",
            memory_bytes=limits.render_memory_bytes,
            environment=_ENVIRONMENT,
        )
        self._children = [Child(spec) for _ in range(max(1, processes))]
        self._idle = list(self._children)
        self._pages = dict.fromkeys(self._children, 0)
        self._last_path = dict.fromkeys(self._children, "")
        self._free = asyncio.Semaphore(len(self._children))
        self._closed = False

    @property
    def processes(self) -> int:
        return len(self._children)

    @property
    def deaths(self) -> int:
        """Children lost so far, to crashes and deadlines."""
        return sum(child.deaths for child in self._children)

    async def start(self) -> str:
        """Start every child now; returns the renderer's version. Raises RendererBroken."""
        versions = await asyncio.gather(*(self._start_one() for _ in self._children))
        return versions[0]

    async def render(self, order: RenderOrder, deadline_s: float | None = None) -> RenderedPage:
        """Draw one page, waiting for a free child first; the deadline (None: the limits' own) runs from the
        moment one has it. Raises RenderFailed for this page, RendererBroken for all. Cancellation kills the
        child that draws."""
        if deadline_s is None:
            deadline_s = self._limits.render_deadline_s
        async with self._free:
            child = self._take(order.path)
            try:
                await self._started(child)
                return await self._render(child, order, deadline_s)
            finally:
                self._idle.append(child)

    async def close(self) -> None:
        """End every child; what is being drawn ends with RendererBroken."""
        self._closed = True
        await asyncio.gather(
            *(child.close() if child in self._idle else child.kill() for child in self._children)
        )

    async def _start_one(self) -> str:
        async with self._free:
            child = self._take("")
            try:
                return await self._started(child)
            finally:
                self._idle.append(child)

    def _take(self, path: str) -> Child:
        """An idle child, preferably one that has this document open, else the one idle for longest."""
        at = next((i for i, child in enumerate(self._idle) if self._last_path[child] == path), 0)
        child = self._idle.pop(at)
        self._last_path[child] = path
        return child

    async def _started(self, child: Child) -> str:
        if self._closed:
            raise RendererBroken("the renderer is closed")
        if self._pages[child] >= PAGES_PER_CHILD:
            await child.close()
            self._pages[child] = 0
        try:
            return str(await child.start())
        except TaskRaised as raised:
            raise RendererBroken(f"pages cannot be drawn here: {raised}") from None
        except (ChildFailed, OSError) as failed:
            raise RendererBroken(f"no render process can be started: {failed}") from None

    async def _render(self, child: Child, order: RenderOrder, deadline_s: float) -> RenderedPage:
        self._pages[child] += 1
        try:
            page: RenderedPage = await child.run(order, deadline_s)
        except ChildTimeout:
            raise RenderFailed(f"the page could not be drawn within {deadline_s:g} s", "timeout") from None
        except ChildDied as died:
            if self._closed:
                raise RendererBroken("the renderer was closed") from None
            cause = f"drawing the page crashed the renderer{self._memory_hint()}"
            raise RendererCrashed(cause, str(died)) from None
        except TaskRaised as raised:
            failure = self._failure(raised)
            if raised.kind == "MemoryError" or failure.detail.startswith("MemoryError"):
                await child.close()  # what is left of its heap is not to be trusted
            raise failure from None
        return page

    def _failure(self, raised: TaskRaised) -> RenderFailed:
        if isinstance(raised.error, RenderFailed):
            return raised.error
        if raised.kind == "MemoryError":
            return RenderFailed(f"drawing the page needs too much memory{self._memory_hint()}", "MemoryError")
        return RenderFailed("the page cannot be drawn", str(raised)[:500])

    def _memory_hint(self) -> str:
        allowed_bytes = self._limits.render_memory_bytes
        return f" (it may use {allowed_bytes // _MEBIBYTE:,} MiB)" if allowed_bytes else ""
