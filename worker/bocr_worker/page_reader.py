"""One page that is drawn: asked of the engine, judged, and on its way to the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bocr_worker.engines.base import EngineSpec
from bocr_worker.memory import DocumentMemory
from bocr_worker.page_events import PageEvents
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import Manifest, Variation
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.quality.judge import judge
from bocr_worker.quality.rotation import is_turned
from bocr_worker.quality.verdict import Case, Finding, PageContext, Verdict
from bocr_worker.reading_page import read_page
from bocr_worker.recorder import Outcome, Recorder
from bocr_worker.render.page import RenderedPage
from bocr_worker.runtimes.base import AskFailed, EngineIdentity, Runtime
from bocr_worker.stopping import SIGNAL_GRACE_S, StopSign
from bocr_worker.work import Ladder, PageWork

_DOCUMENTS_REMEMBERED = 256


@dataclass(frozen=True)
class DrawnPage:
    """A page with its image, and the variation that it is read with."""

    work: PageWork
    variation: Variation
    page: RenderedPage

    @property
    def bytes(self) -> int:
        return sum(len(each.image.encoded) for each in self.page.images)


class PageReader:
    """Of one job. What it does with a page returns whether the page is to be read again. `answered` is called
    with every answer of the engine."""

    def __init__(
        self,
        manifest: Manifest,
        spec: EngineSpec,
        reads: frozenset[str] | None,
        runtime: Runtime,
        identity: EngineIdentity,
        recorder: Recorder,
        sign: StopSign,
        answered: Callable[[], None],
    ) -> None:
        self._manifest = manifest
        self._spec = spec
        self._reads = reads
        self._runtime = runtime
        self._recorder = recorder
        self._sign = sign
        self._answered = answered
        self.ladder = Ladder(manifest)
        self._events = PageEvents(spec.name, identity, self.ladder)
        self._memories: dict[str, DocumentMemory] = {}

    def memory(self, page: PageWork) -> DocumentMemory:
        """Of the page's document; of so many documents that pages which are read in order find theirs."""
        sha256 = page.document.sha256
        if sha256 not in self._memories:
            if len(self._memories) > _DOCUMENTS_REMEMBERED:
                self._memories.pop(next(iter(self._memories)))
            self._memories[sha256] = DocumentMemory(page.document, self._manifest.languages)
        return self._memories[sha256]

    def context(self, page: PageWork) -> PageContext:
        memory = self.memory(page)
        return PageContext(
            engine=self._spec.name,
            languages=memory.languages,
            binding=memory.binding,
            chars_per_ink=memory.chars_per_ink,
            engine_languages=self._reads,
            gives_boxes=self._spec.gives_boxes,
        )

    def repeats(self, page: PageWork, variation: Variation, rendered: RenderedPage) -> bool:
        """Whether the engine would be asked the very question that it gave a bad answer to: the preparations
        that set this variation apart changed nothing on the page."""
        if page.failure is None or not variation.preparations:
            return False
        usual = {*self._spec.first, *(("invert",) if rendered.facts.inverted else ())}
        if any(step not in usual for step in rendered.applied):
            return False
        bare = replace(variation, preparations=())
        return self.ladder.settings(bare, page.document) in page.tried

    async def leave_out(self, page: PageWork, variation: Variation, rendered: RenderedPage) -> bool:
        """An attempt that is none: the page keeps its class, and the journal says why nobody was asked."""
        assert page.failure is not None
        steps = ", ".join(variation.preparations)
        cause = f"not asked again: nothing on this page is changed by {steps}, and without it was tried"
        return await self.fail(page, variation, Finding(page.failure, {"cause": cause}), rendered=rendered)

    async def is_ending(self, died: bool) -> bool:
        """Whether what went wrong may be the job's end and not the page's fault. After a death we wait for
        the signal that may have caused it."""
        return self._sign.given() or (died and await self._sign.comes_within(SIGNAL_GRACE_S))

    async def read(self, drawn: DrawnPage) -> bool:
        """Raises RuntimeBroken when the engine cannot go on, OSError and ClaimedElsewhere as the recorder
        does."""
        page, variation = drawn.work, drawn.variation
        context = replace(self.context(page), turned=is_turned(drawn.page.applied))
        page.attempts += 1
        self._recorder.started(self._events.started(page, variation))
        begun = time.monotonic()
        try:
            recognition = await read_page(
                self._runtime,
                drawn.page,
                variation,
                context.languages,
                context.binding,
                self._manifest.limits.engine_deadline_s,
            )
        except AskFailed as error:
            return await self._no_answer(drawn, error, time.monotonic() - begun)
        if drawn.page.images:
            self._answered()
        seconds = time.monotonic() - begun + drawn.page.seconds
        verdict = judge(Case(drawn.page.facts, recognition, context))
        if verdict.finding is None:
            await self._accept(drawn, recognition, verdict, seconds)
            return False
        return await self.fail(
            page,
            variation,
            verdict.finding,
            rendered=drawn.page,
            recognition=recognition,
            verdict=verdict,
            seconds=seconds,
        )

    async def _no_answer(self, drawn: DrawnPage, error: AskFailed, seconds: float) -> bool:
        """A page that is not to blame is asked again, but not for ever: it may be what kills the engine."""
        page = drawn.work
        if error.failure == FailureClass.TRANSPORT and await self.is_ending(not error.charged):
            return False
        if not error.charged:
            page.uncharged += 1
            if page.uncharged < self._manifest.limits.engine_deaths:
                page.attempts -= 1
                return True
        evidence: dict[str, Any] = {"cause": error.cause}
        if error.detail:
            evidence["detail"] = error.detail
        if page.uncharged:
            evidence["engine_deaths" if error.died else "asked_times"] = page.uncharged
        finding = Finding(error.failure, evidence)
        return await self.fail(page, drawn.variation, finding, rendered=drawn.page, seconds=seconds)

    async def _accept(
        self, drawn: DrawnPage, recognition: Recognition, verdict: Verdict, seconds: float
    ) -> None:
        page = drawn.work
        if recognition.text:
            self.memory(page).learn(verdict.scripts, len(recognition.text), drawn.page.facts.ink)
        event = self._events.accepted(page, drawn.variation, drawn.page, recognition, verdict, seconds)
        await self._recorder.put(Outcome(event, recognition))

    async def fail(
        self,
        page: PageWork,
        variation: Variation,
        finding: Finding,
        *,
        rendered: RenderedPage | None = None,
        recognition: Recognition | None = None,
        verdict: Verdict | None = None,
        seconds: float = 0.0,
    ) -> bool:
        """The verdict of this attempt, with all that is known of it."""
        page.tried.add(self.ladder.settings(variation, page.document))
        page.failure = finding.failure
        again = self.ladder.next(page) is not None and not self._sign.given()
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
        return again
