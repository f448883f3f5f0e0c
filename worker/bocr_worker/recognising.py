"""A stage that reads: what the past left to do, an engine, and the feed between them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import chain
from pathlib import Path

from bocr_worker.asking import check_questions
from bocr_worker.claim import wait_until_quiet
from bocr_worker.drawing import Drawing
from bocr_worker.engines.registry import engine_of, readable_languages
from bocr_worker.feed import Feed
from bocr_worker.history import read_history
from bocr_worker.idling import Idling
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.exit_report import load_exit_report
from bocr_worker.recorder import Recorder
from bocr_worker.render.pool import RenderPool
from bocr_worker.runtimes.base import Elastic, Runtime, Telling
from bocr_worker.runtimes.inline import InlineRuntime
from bocr_worker.runtimes.registry import runtime_for
from bocr_worker.stage import Counts, Job
from bocr_worker.work import Documents, PageWork, pages_to_do, skipped_pages

_SLOTS_A_RENDERER = 16
"""Sixteen slots that take five seconds for a page at best want three pages a second: a renderer draws ten and
more, or five where each page is straightened and lit evenly."""


class Recognising:
    """Reads the pages of a manifest with its engine."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._recorder = Recorder(job.run_folder, job.journal, job.claim)
        self._feed: Feed | None = None
        self._runtime: Runtime | None = None
        self._idling = Idling(self._first_page_was_read)
        self._fell_silent_at: float | None = None
        self._restart_lost_s: float | None = None
        self._skipped = 0

    def counts(self) -> Counts:
        feed, recorder, told = self._feed, self._recorder, self._told()
        return Counts(
            ok=recorder.ok,
            failed=recorder.failed,
            skipped=self._skipped + (feed.skipped if feed else 0),
            prompt_tokens=recorder.prompt_tokens,
            completion_tokens=recorder.completion_tokens,
            beat={
                "rendered_waiting": feed.rendered_waiting if feed else 0,
                "in_flight": feed.in_flight if feed else 0,
                **({"server": told} if told else {}),
            },
            extra={**self._idling.facts(told), **self._lost()},
        )

    def _first_page_was_read(self) -> None:
        if self._fell_silent_at is not None:
            self._restart_lost_s = round(max(0.0, time.time() - self._fell_silent_at), 1)
        self._job.journal.stage("first_page", **self._idling.facts(self._told()), **self._lost())

    def _lost(self) -> dict[str, float]:
        """To a start of this job, or a try before it, that was killed: from its last word to the first page
        of this one."""
        return {} if self._restart_lost_s is None else {"restart_lost_s": self._restart_lost_s}

    def _told(self) -> dict[str, float]:
        """What the runtime says of itself."""
        return dict(self._runtime.facts) if isinstance(self._runtime, Telling) else {}

    def close(self) -> None:
        self._recorder.close()

    async def run(self) -> None:
        """Raises RuntimeBroken, EngineUnavailable, RendererBroken, OSError, ClaimedElsewhere, JobStops."""
        job, manifest = self._job, self._job.manifest
        await self._let_others_end()
        self._fell_silent_at = await asyncio.to_thread(_when_it_was_killed, job)
        history = await job.sign.unless_given(
            asyncio.to_thread(read_history, manifest, job.run_folder, job.sign.given)
        )
        pages = pages_to_do(manifest, history.pages)
        first = next(pages, None)
        self._skipped = skipped_pages(manifest, history.pages)
        strange = {"strange": ", ".join(history.strange[:5])} if history.strange else {}
        if first is None:
            job.journal.stage("nothing_to_do", skipped=self._skipped, **strange)
            return
        job.journal.stage("loading", engine=manifest.engine.name, skipped=self._skipped, **strange)
        spec = engine_of(manifest.engine)
        runtime = runtime_for(spec, manifest.engine, manifest.limits, job.cores, job.run_folder)
        check_questions(spec, manifest)
        self._runtime = runtime
        self._idling.engine_starts()
        try:
            await self._read(runtime, chain([first], pages))
        finally:
            await runtime.close()

    async def _let_others_end(self) -> None:
        """Tries that were given up may live on where nobody sees them; two must not read the same pages.
        A stage that takes only failed pages shares none with the one before it."""
        manifest = self._job.manifest
        others = manifest.resume if manifest.only_failed else (*manifest.earlier, *manifest.resume)
        if others:
            self._job.journal.stage("waiting")
        for token in others:
            folder = self._job.run_folder.parent / token
            await self._job.sign.unless_given(
                asyncio.to_thread(wait_until_quiet, folder, manifest.limits.lease_s, self._job.sign.given)
            )

    async def _read(self, runtime: Runtime, pages: chain[PageWork]) -> None:
        job, limits = self._job, self._job.manifest.limits
        identity = await job.sign.unless_given(runtime.start())
        spec = engine_of(job.manifest.engine)
        reads = await job.sign.unless_given(asyncio.to_thread(readable_languages, spec))
        job.journal.stage("feeding", engine_version=identity.version, weights=identity.weights)
        slots = limits.render_processes or self._renderers(runtime)
        renderers = RenderPool(limits, slots)
        documents = Documents(job.site_root, job.sign.given)
        drawing = Drawing(documents, renderers, limits.render_deadline_s, job.site_root / "split")
        self._feed = Feed(
            job.manifest,
            spec,
            reads,
            runtime,
            identity,
            drawing,
            slots,
            self._recorder,
            job.sign,
            self._idling,
        )
        recording = asyncio.create_task(self._recorder.run())
        feeding = asyncio.create_task(self._feed.run(pages))
        try:
            await self._until_fed(feeding, recording)
        finally:
            await renderers.close()

    def _renderers(self, runtime: Runtime) -> int:
        """As many as can be busy: drawing a page takes a fiftieth of what a library needs to read it, so one
        renderer keeps a slot fed, and a page that takes half a gigabyte to draw is drawn alone. A model
        behind a server takes longer for a page and reads many at a time."""
        if isinstance(runtime, InlineRuntime):
            return self._job.cores
        if isinstance(runtime, Elastic):
            return max(1, min(self._job.cores, max(2, runtime.most_slots // _SLOTS_A_RENDERER)))
        return max(1, min(self._job.cores, runtime.slots))

    async def _until_fed(self, feeding: asyncio.Task[None], recording: asyncio.Task[None]) -> None:
        """Wait for the pages, or for a stop and then no longer than the manifest allows."""
        stopping = asyncio.create_task(self._job.sign.wait())
        try:
            await asyncio.wait({feeding, recording, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done() and not feeding.done():
                await asyncio.wait({feeding, recording}, timeout=self._job.manifest.limits.stop_within_s / 2)
        finally:
            stopping.cancel()
            if not feeding.done():
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            await self._recorder.finish(recording)
        if not feeding.cancelled():
            feeding.result()


def _when_it_was_killed(job: Job) -> float | None:
    """When the start of this job before this one, or the latest try before this job, last wrote into its
    journal, in seconds since the epoch. None where there is none, or where that try ended of itself: it said
    so, and what came between was no loss of its own."""
    found = [(at, True) for at in _last_words(job.run_folder) if at[1] != job.journal.path]
    for token in job.manifest.resume:
        folder = job.run_folder.parent / token
        found += [(at, not _ended_of_itself(folder)) for at in _last_words(folder)]
    if not found:
        return None
    (at, _), was_killed = max(found)
    return at if was_killed else None


def _last_words(run: Path) -> list[tuple[float, Path]]:
    """When each of its journals was last written to."""
    found = []
    for journal in run.glob("journal-*.jsonl"):
        with contextlib.suppress(OSError):
            found.append((journal.stat().st_mtime, journal))
    return found


def _ended_of_itself(run: Path) -> bool:
    """Whether the worker there wrote its last word: a script's trap writes it for one that was killed."""
    try:
        return load_exit_report((run / "exit.json").read_bytes()).source == "worker"
    except (OSError, ProtocolError):
        return False
