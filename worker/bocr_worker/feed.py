"""The feed: pages flow from renderers to the engine to the recorder, as fast as the slowest takes them.

What waits between the steps is bounded, so memory does not grow with the number of pages. There is no barrier
between documents: while one page is read, the next ones are rendered, whatever file they come from.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from bocr_worker.drawing import Drawing
from bocr_worker.engines.base import EngineSpec
from bocr_worker.idling import Idling
from bocr_worker.language import reading_direction
from bocr_worker.page_reader import DrawnPage, PageReader
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Manifest, Variation
from bocr_worker.quality.judge import screen
from bocr_worker.quality.verdict import Finding
from bocr_worker.recorder import Recorder
from bocr_worker.render.page import RenderedPage, RendererCrashed, RenderFailed, RenderOrder
from bocr_worker.runtimes.base import Elastic, EngineIdentity, Runtime
from bocr_worker.stopping import JobStops, StopSign
from bocr_worker.waiting import Waiting
from bocr_worker.work import PageWork

RENDERED_AHEAD = 2
"""Rendered pages that wait for each engine slot: enough that no slot ever waits for a page…"""

MOST_AHEAD = 64
"""…up to so many. Where a hundred pages are read at a time, they end one after the other, and renderers draw
twenty and more a second."""

MOST_AHEAD_BYTES = 256 * 1024 * 1024
"""Of encoded images, whatever their number."""


class Feed:
    """Runs the pages of one job. `run` returns when every page has its verdict or the sign to stop is
    given. Takes as many pages to the engine as the runtime has slots, which may change meanwhile."""

    def __init__(
        self,
        manifest: Manifest,
        spec: EngineSpec,
        reads: frozenset[str] | None,
        runtime: Runtime,
        identity: EngineIdentity,
        drawing: Drawing,
        render_slots: int,
        recorder: Recorder,
        sign: StopSign,
        idling: Idling,
    ) -> None:
        self._manifest = manifest
        self._spec = spec
        self._runtime = runtime
        self._drawing = drawing
        self._render_slots = render_slots
        self._sign = sign
        self._idling = idling
        self._reader = PageReader(
            manifest, spec, reads, runtime, identity, recorder, sign, idling.page_was_read
        )
        self._drawn: Waiting[DrawnPage] = Waiting(self._most_ahead, MOST_AHEAD_BYTES)
        self._reading: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._again: deque[PageWork] = deque()
        self._open = 0
        self._fresh: Iterator[PageWork] = iter(())
        self._fresh_done = False
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._more = asyncio.Event()
        self.skipped = 0
        if isinstance(runtime, Elastic):
            runtime.on_change(self._slots_changed)
        sign.on_given(self._stop)

    @property
    def rendered_waiting(self) -> int:
        return len(self._drawn)

    @property
    def in_flight(self) -> int:
        return self._open

    def _stop(self) -> None:
        """Take no further page; those that an engine is reading may still end."""
        self._open -= len(self._again)
        self._again.clear()
        self._more.set()
        self._room.set()
        self._maybe_over()

    async def run(self, pages: Iterator[PageWork]) -> None:
        """Raises RuntimeBroken when the engine cannot go on. Cancellation drops the pages in flight."""
        self._fresh = pages
        tasks = [asyncio.create_task(self._render_loop()) for _ in range(self._render_slots)]
        tasks.append(asyncio.create_task(self._engine_loop()))
        try:
            done, _ = await asyncio.wait({self._over, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                ended.result()
        finally:
            tasks += self._reading
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- which page next -------------------------------------------------------------------------------

    async def _next_page(self) -> PageWork:
        while True:
            if self._again:
                return self._again.popleft()
            if not self._fresh_done and not self._sign.given():
                page = next(self._fresh, None)
                if page is not None:
                    self._open += 1
                    return page
                self._fresh_done = True
            self._maybe_over()
            self._more.clear()
            await self._more.wait()

    def _close(self, page: PageWork, *, again: bool = False) -> None:
        if again and not self._sign.given():
            self._again.append(page)
            self._more.set()
            return
        self._open -= 1
        self._maybe_over()

    def _maybe_over(self) -> None:
        if self._open == 0 and (self._fresh_done or self._sign.given()) and not self._over.done():
            self._over.set_result(None)

    # -- render ----------------------------------------------------------------------------------------

    def _most_ahead(self) -> int:
        return min(RENDERED_AHEAD * self._runtime.slots, MOST_AHEAD)

    async def _render_loop(self) -> None:
        reader = self._reader
        while True:
            page = await self._next_page()
            variation = reader.ladder.next(page)
            if variation is None:
                self.skipped += 1
                self._close(page)
                continue
            finding = screen(reader.context(page))
            if finding is not None:
                page.attempts += 1
                self._close(page, again=await reader.fail(page, variation, finding))
                continue
            try:
                rendered = await self._render(page, variation)
            except JobStops:
                self._close(page)
                continue
            except RenderFailed as error:
                await self._not_drawn(page, variation, error)
                continue
            if self._sign.given():
                self._close(page)
                continue
            if reader.repeats(page, variation, rendered):
                page.attempts += 1
                self._close(page, again=await reader.leave_out(page, variation, rendered))
                continue
            drawn = DrawnPage(page, variation, rendered)
            await self._drawn.put(drawn, drawn.bytes)

    async def _render(self, page: PageWork, variation: Variation) -> RenderedPage:
        document, languages = page.document, self._reader.memory(page).languages
        order = RenderOrder(
            path=self._drawing.path(document),
            kind=document.kind,
            page=page.number,
            dpi=variation.dpi or self._spec.dpi,
            least_side_px=self._spec.least_side_px,
            max_pixels=min(self._manifest.limits.max_pixels, self._spec.max_pixels),
            preparations=(*self._spec.first, *variation.preparations),
            right_to_left=bool(languages) and reading_direction(languages[0]) == "rtl",
        )
        order = replace(order, ahead=self._drawing.ahead(document, order, self._manifest.limits.max_pixels))
        return await self._drawing.draw(document, order)

    async def _not_drawn(self, page: PageWork, variation: Variation, error: RenderFailed) -> None:
        if await self._reader.is_ending(isinstance(error, RendererCrashed)):
            self._close(page)
            return
        page.attempts += 1
        evidence = {"cause": error.cause, **({"detail": error.detail} if error.detail else {})}
        finding = Finding(FailureClass.RENDER, evidence)
        self._close(page, again=await self._reader.fail(page, variation, finding))

    # -- read ------------------------------------------------------------------------------------------

    async def _engine_loop(self) -> None:
        """A task for each page that is read, as many as there are slots: pages wait here, where it is known
        that they wait, and not with the runtime."""
        while True:
            while len(self._reading) >= self._runtime.slots and not self._sign.given():
                self._room.clear()
                await self._room.wait()
            drawn = await self._drawn.get()
            if self._sign.given():
                self._close(drawn.work)
                continue
            task = asyncio.create_task(self._read(drawn))
            self._reading.add(task)
            self._idling.reading(len(self._reading))
            task.add_done_callback(self._was_read)

    async def _read(self, drawn: DrawnPage) -> None:
        self._close(drawn.work, again=await self._reader.read(drawn))

    def _was_read(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        self._idling.reading(len(self._reading))
        self._room.set()
        if not task.cancelled() and task.exception() is not None and not self._over.done():
            self._over.set_exception(task.exception() or RuntimeError())

    def _slots_changed(self) -> None:
        self._room.set()
        self._drawn.changed()
