"""The split stage: draws a manifest's pages into files, so that the stages after it need not.

It runs where processors are cheap. It gives no page a verdict: one that cannot be drawn is left for the stage
that reads, which fails it with its class. Options of its engine order: `dpi` (default 200).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bocr_worker.drawing import Drawing
from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.protocol.manifest import DocumentOrder
from bocr_worker.render import ahead
from bocr_worker.render.page import RendererCrashed, RenderFailed, RenderOrder
from bocr_worker.render.pool import RenderPool
from bocr_worker.stage import Counts, Job
from bocr_worker.stopping import SIGNAL_GRACE_S, JobStops
from bocr_worker.work import Documents

SPLIT = "split"
"""What a manifest names as engine for this stage."""

_DPI = 200
_LEAST_DPI, _MOST_DPI = 40, 1200


class Splitting:
    """Draws what is not there yet, with as many renderers as there are cores."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._drawn = self._there = self._undrawable = 0
        self._pages: Iterator[tuple[DocumentOrder, int]] = iter(())

    def counts(self) -> Counts:
        return Counts(
            passed=self._drawn + self._there + self._undrawable,
            extra={"drawn": self._drawn, "there": self._there, "undrawable": self._undrawable},
        )

    def close(self) -> None:
        """It has no files of its own."""

    async def run(self) -> None:
        """Raises EngineUnavailable for an option that makes no sense, RendererBroken, OSError, JobStops."""
        job, limits = self._job, self._job.manifest.limits
        dpi = _dpi(job.manifest.engine.options.get("dpi", _DPI))
        job.journal.stage("drawing", dpi=dpi)
        self._pages = (
            (document, page.number) for document in job.manifest.documents for page in document.pages
        )
        slots = limits.render_processes or job.cores
        renderers = RenderPool(limits, slots)
        documents = Documents(job.site_root, job.sign.given)
        drawing = Drawing(documents, renderers, limits.render_deadline_s, job.site_root / "split")
        tasks = [asyncio.create_task(self._draw_on(drawing, dpi)) for _ in range(slots)]
        try:
            await self._until_drawn(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await renderers.close()

    async def _until_drawn(self, tasks: list[asyncio.Task[None]]) -> None:
        """All of them, or what they have in hand once the sign to stop is given."""
        try:
            done, _ = await self._job.sign.unless_given(
                asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            )
        except JobStops:
            done, _ = await asyncio.wait(tasks, timeout=self._job.manifest.limits.stop_within_s / 2)
        for task in done:
            task.result()

    async def _draw_on(self, drawing: Drawing, dpi: int) -> None:
        for document, page in self._pages:
            if self._job.sign.given():
                return
            await self._draw(drawing, document, page, dpi)

    async def _draw(self, drawing: Drawing, document: DocumentOrder, page: int, dpi: int) -> None:
        max_pixels = self._job.manifest.limits.max_pixels
        order = RenderOrder(drawing.path(document), document.kind, page, dpi, max_pixels)
        (base,) = drawing.places(document, order)
        if await asyncio.to_thread(ahead.is_there, base):
            self._there += 1
            return
        try:
            rendered = await drawing.draw(document, order)
        except JobStops:
            return
        except RenderFailed as failed:
            crashed = isinstance(failed, RendererCrashed)
            if self._job.sign.given() or (crashed and await self._job.sign.comes_within(SIGNAL_GRACE_S)):
                return
            self._undrawable += 1
            return
        await asyncio.to_thread(ahead.write, base, rendered, max_pixels)
        self._drawn += 1


def _dpi(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and _LEAST_DPI <= value <= _MOST_DPI:
        return value
    cause = f"dpi should be a whole number from {_LEAST_DPI} to {_MOST_DPI}, not {str(value)[:40]!r}"
    raise EngineUnavailable(SPLIT, cause, "Mend the site's split table in bocr.toml.")
