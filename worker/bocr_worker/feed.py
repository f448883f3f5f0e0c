"""The feed: pages flow from renderers to the engine to the recorder, as fast as the slowest takes them.

Queues between the steps are bounded, so memory does not grow with the number of pages. There is no barrier
between documents: while one page is read, the next ones are rendered, whatever file they come from.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from bocr_worker.drawing import Drawing
from bocr_worker.engines.base import EngineSpec
from bocr_worker.language import reading_direction
from bocr_worker.memory import DocumentMemory
from bocr_worker.page_events import PageEvents
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Manifest, Variation
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.quality.judge import judge, screen
from bocr_worker.quality.rotation import is_turned
from bocr_worker.quality.verdict import Case, Finding, PageContext, Verdict
from bocr_worker.reading_page import read_page
from bocr_worker.recorder import Outcome, Recorder
from bocr_worker.render.page import RenderedPage, RendererCrashed, RenderFailed, RenderOrder
from bocr_worker.runtimes.base import AskFailed, EngineIdentity, Runtime
from bocr_worker.stopping import SIGNAL_GRACE_S, JobStops, StopSign
from bocr_worker.work import Ladder, PageWork

RENDERED_AHEAD = 2
"""Rendered pages that wait for each engine slot: enough that no slot ever waits for a page."""


@dataclass
class _Rendered:
    work: PageWork
    variation: Variation
    page: RenderedPage


class Feed:
    """Runs the pages of one job. `run` returns when every page has its verdict or `stop` was called."""

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
    ) -> None:
        self._manifest = manifest
        self._spec = spec
        self._reads = reads
        self._runtime = runtime
        self._drawing = drawing
        self._render_slots = render_slots
        self._recorder = recorder
        self._sign = sign
        self._ladder = Ladder(manifest)
        self._events = PageEvents(spec.name, identity, self._ladder)
        self._memories: dict[str, DocumentMemory] = {}
        self._rendered: asyncio.Queue[_Rendered] = asyncio.Queue(runtime.slots * RENDERED_AHEAD)
        self._again: deque[PageWork] = deque()
        self._open = 0
        self._fresh: Iterator[PageWork] = iter(())
        self._fresh_done = False
        self._idle = asyncio.Event()
        self._more = asyncio.Event()
        self._stopping = False
        self.skipped = 0
        sign.on_given(self.stop)

    @property
    def rendered_waiting(self) -> int:
        return self._rendered.qsize()

    @property
    def in_flight(self) -> int:
        return self._open

    def stop(self) -> None:
        """Take no further page; those that an engine is reading may still end."""
        self._stopping = True
        self._again.clear()
        self._more.set()
        self._maybe_idle()

    async def run(self, pages: Iterator[PageWork]) -> None:
        """Raises RuntimeBroken when the engine cannot go on. Cancellation drops the pages in flight."""
        self._fresh = pages
        tasks = [asyncio.create_task(self._render_loop()) for _ in range(self._render_slots)]
        tasks += [asyncio.create_task(self._engine_loop()) for _ in range(self._runtime.slots)]
        waiter = asyncio.create_task(self._idle.wait())
        try:
            done, _ = await asyncio.wait({waiter, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {waiter}:
                task.result()
        finally:
            for task in (waiter, *tasks):
                task.cancel()
            await asyncio.gather(waiter, *tasks, return_exceptions=True)

    # -- which page next -------------------------------------------------------------------------------

    async def _next_page(self) -> PageWork:
        while True:
            if self._again:
                return self._again.popleft()
            if not self._fresh_done and not self._stopping:
                page = next(self._fresh, None)
                if page is not None:
                    self._open += 1
                    return page
                self._fresh_done = True
            self._maybe_idle()
            self._more.clear()
            await self._more.wait()

    def _close(self, page: PageWork, *, again: bool = False) -> None:
        if again and not self._stopping:
            self._again.append(page)
            self._more.set()
            return
        self._open -= 1
        self._maybe_idle()

    def _maybe_idle(self) -> None:
        if self._open == 0 and (self._fresh_done or self._stopping):
            self._idle.set()

    def _memory(self, page: PageWork) -> DocumentMemory:
        sha256 = page.document.sha256
        if sha256 not in self._memories:
            if len(self._memories) > 256:
                self._memories.pop(next(iter(self._memories)))
            self._memories[sha256] = DocumentMemory(page.document, self._manifest.languages)
        return self._memories[sha256]

    def _context(self, page: PageWork) -> PageContext:
        memory = self._memory(page)
        return PageContext(
            engine=self._spec.name,
            languages=memory.languages,
            binding=memory.binding,
            chars_per_ink=memory.chars_per_ink,
            engine_languages=self._reads,
            gives_boxes=self._spec.gives_boxes,
        )

    # -- render ----------------------------------------------------------------------------------------

    async def _render_loop(self) -> None:
        while True:
            page = await self._next_page()
            variation = self._ladder.next(page)
            if variation is None:
                self.skipped += 1
                self._close(page)
                continue
            finding = screen(self._context(page))
            if finding is not None:
                page.attempts += 1
                await self._fail(page, variation, finding)
                continue
            try:
                rendered = await self._render(page, variation)
            except JobStops:
                self._close(page)
                continue
            except RenderFailed as error:
                if await self._is_ending(isinstance(error, RendererCrashed)):
                    self._close(page)
                    continue
                page.attempts += 1
                evidence = {"cause": error.cause, **({"detail": error.detail} if error.detail else {})}
                await self._fail(page, variation, Finding(FailureClass.RENDER, evidence))
                continue
            if self._stopping:
                self._close(page)
                continue
            await self._rendered.put(_Rendered(page, variation, rendered))

    async def _render(self, page: PageWork, variation: Variation) -> RenderedPage:
        document, languages = page.document, self._memory(page).languages
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

    async def _is_ending(self, died: bool) -> bool:
        """Whether what went wrong may be the job's end and not the page's fault. After a death we wait for
        the signal that may have caused it."""
        return self._stopping or (died and await self._sign.comes_within(SIGNAL_GRACE_S))

    # -- read and judge --------------------------------------------------------------------------------

    async def _engine_loop(self) -> None:
        while True:
            rendered = await self._rendered.get()
            if self._stopping:
                self._close(rendered.work)
                continue
            await self._read(rendered)

    async def _read(self, rendered: _Rendered) -> None:
        page, variation = rendered.work, rendered.variation
        context = replace(self._context(page), turned=is_turned(rendered.page.applied))
        page.attempts += 1
        self._recorder.started(self._events.started(page, variation))
        begun = time.monotonic()
        try:
            recognition = await read_page(
                self._runtime,
                rendered.page,
                variation,
                context.languages,
                context.binding,
                self._manifest.limits.engine_deadline_s,
            )
        except AskFailed as error:
            await self._no_answer(rendered, error, time.monotonic() - begun)
            return
        seconds = time.monotonic() - begun + rendered.page.seconds
        verdict = judge(Case(rendered.page.facts, recognition, context))
        if verdict.finding is None:
            await self._accept(rendered, recognition, verdict, seconds)
        else:
            await self._fail(
                page,
                variation,
                verdict.finding,
                rendered=rendered.page,
                recognition=recognition,
                verdict=verdict,
                seconds=seconds,
            )

    async def _no_answer(self, rendered: _Rendered, error: AskFailed, seconds: float) -> None:
        """A page that is not to blame is asked again, but not for ever: it may be what kills the engine."""
        page = rendered.work
        if error.failure == FailureClass.TRANSPORT and await self._is_ending(not error.charged):
            self._close(page)
            return
        if not error.charged:
            page.uncharged += 1
            if page.uncharged < self._manifest.limits.engine_deaths:
                page.attempts -= 1
                self._close(page, again=True)
                return
        evidence: dict[str, Any] = {"cause": error.cause}
        if error.detail:
            evidence["detail"] = error.detail
        if page.uncharged:
            evidence["engine_deaths"] = page.uncharged
        await self._fail(
            page,
            rendered.variation,
            Finding(error.failure, evidence),
            rendered=rendered.page,
            seconds=seconds,
        )

    async def _accept(
        self, rendered: _Rendered, recognition: Recognition, verdict: Verdict, seconds: float
    ) -> None:
        page = rendered.work
        if recognition.text:
            self._memory(page).learn(verdict.scripts, len(recognition.text), rendered.page.facts.ink)
        event = self._events.accepted(page, rendered.variation, rendered.page, recognition, verdict, seconds)
        await self._recorder.put(Outcome(event, recognition))
        self._close(page)

    async def _fail(
        self,
        page: PageWork,
        variation: Variation,
        finding: Finding,
        *,
        rendered: RenderedPage | None = None,
        recognition: Recognition | None = None,
        verdict: Verdict | None = None,
        seconds: float = 0.0,
    ) -> None:
        page.tried.add(self._ladder.settings(variation, page.document))
        page.failure = finding.failure
        again = self._ladder.next(page) is not None and not self._stopping
        event = self._events.failed(
            page,
            variation,
            finding,
            last=not again,
            rendered=rendered,
            recognition=recognition,
            verdict=verdict,
            seconds=seconds,
        )
        await self._recorder.put(Outcome(event, recognition))
        self._close(page, again=again)
