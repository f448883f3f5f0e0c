"""One job: take the claim, read the manifest and the past, run the feed, leave the last word."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import time
import traceback
from itertools import chain
from pathlib import Path

from bocr_worker.claim import Claim, ClaimedElsewhere
from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.registry import engine_named, readable_languages
from bocr_worker.feed import Feed
from bocr_worker.files import write_whole
from bocr_worker.history import read_history
from bocr_worker.journal import JournalWriter
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.exit_report import ExitReport, dump_exit_report
from bocr_worker.protocol.manifest import Manifest, load_manifest
from bocr_worker.recorder import Recorder
from bocr_worker.render.pool import RendererBroken, RenderPool
from bocr_worker.runtimes.base import Runtime, RuntimeBroken
from bocr_worker.runtimes.inline import InlineRuntime
from bocr_worker.runtimes.registry import runtime_for
from bocr_worker.work import Documents, PageWork, pages_to_do, skipped_pages

EXIT_OK, EXIT_ERROR, EXIT_PARTIAL, EXIT_DUPLICATE = 0, 1, 4, 0
_STOP_POLL_S = 0.25


class Stage:
    """Everything of one run folder between the claim and exit.json."""

    def __init__(self, run: Path, manifest: Manifest, claim: Claim, cores: int) -> None:
        self.run_folder = run
        self.manifest = manifest
        self.claim = claim
        self.cores = cores
        self.begun = time.monotonic()
        self.journal = JournalWriter(run, manifest.token)
        self.recorder = Recorder(run, self.journal)
        self.feed: Feed | None = None
        self.total = manifest.page_count
        self.skipped = 0
        self.stop_reason = ""
        self._stopped = asyncio.Event()

    def stop(self, reason: str) -> None:
        """Asked to end: by a signal, a stop file, or a lost claim. Pages in flight get a moment."""
        if not self.stop_reason:
            self.stop_reason = reason
        if self.feed is not None:
            self.feed.stop()
        self._stopped.set()

    async def run(self) -> ExitReport:
        """Never raises: whatever goes wrong is in the report."""
        watcher = asyncio.create_task(self._watch())
        cause, outcome = "", "ok"
        try:
            await self._work()
        except (RuntimeBroken, EngineUnavailable, RendererBroken) as error:
            cause, outcome = str(error), "error"
        except OSError as error:
            cause, outcome = f"the run folder cannot be written: {error}", "error"
        except Exception as error:  # noqa: BLE001 - a bug of ours must leave its word, too
            traceback.print_exc()
            cause, outcome = f"a fault in the worker: {type(error).__name__}: {error}", "error"
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
        left = self.total - self.recorder.ok - self.recorder.failed - self.skipped
        if outcome == "ok" and left > 0:
            outcome, cause = "partial", self.stop_reason or "pages were left"
        return self._report(outcome, cause, left)

    def _report(self, outcome: str, cause: str, left: int) -> ExitReport:
        self.recorder.close()
        self.journal.stage("ended", outcome=outcome)
        self.journal.close()
        return ExitReport(
            token=self.manifest.token,
            outcome=outcome,
            cause=cause,
            ok=self.recorder.ok,
            failed=self.recorder.failed,
            skipped=self.skipped,
            left=left,
            seconds=round(time.monotonic() - self.begun, 3),
            journals=(self.journal.end(),),
        )

    async def _work(self) -> None:
        history = await asyncio.to_thread(read_history, self.manifest, self.run_folder, self._stopped.is_set)
        if self._stopped.is_set():
            return
        pages = pages_to_do(self.manifest, history.pages)
        first = next(pages, None)
        self.skipped = skipped_pages(self.manifest, history.pages)
        if first is None:
            self.journal.stage("nothing_to_do")
            return
        spec = engine_named(self.manifest.engine.name)
        runtime = runtime_for(spec, self.manifest.engine, self.manifest.limits, self.cores)
        try:
            await self._feed_pages(runtime, chain([first], pages))
        finally:
            await runtime.close()

    async def _feed_pages(self, runtime: Runtime, pages: chain[PageWork]) -> None:
        self.journal.stage("loading", engine=self.manifest.engine.name)
        loading = asyncio.create_task(runtime.start())
        stopping = asyncio.create_task(self._stopped.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not loading.done():
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            return
        identity = loading.result()
        self.journal.stage("feeding", engine_version=identity.version, weights=identity.weights)
        limits = self.manifest.limits
        render_slots = limits.render_processes or self._renderers(runtime)
        renderers = RenderPool(limits, render_slots)
        spec = engine_named(self.manifest.engine.name)
        self.feed = Feed(
            self.manifest,
            spec,
            await asyncio.to_thread(readable_languages, spec),
            runtime,
            identity,
            renderers,
            render_slots,
            self.recorder,
            Documents(self.run_folder.parent.parent),
        )
        recording = asyncio.create_task(self.recorder.run())
        feeding = asyncio.create_task(self.feed.run(pages))
        if self._stopped.is_set():
            self.feed.stop()
        try:
            await self._until_fed(feeding, recording)
        finally:
            self.skipped += self.feed.skipped
            await renderers.close()

    def _renderers(self, runtime: Runtime) -> int:
        """As many as can be busy: drawing a page takes a fiftieth of what a library needs to read it, so one
        renderer keeps a slot fed, and a page that takes half a gigabyte to draw is drawn alone."""
        if isinstance(runtime, InlineRuntime):
            return self.cores
        return max(1, min(self.cores, runtime.slots))

    async def _until_fed(self, feeding: asyncio.Task[None], recording: asyncio.Task[None]) -> None:
        """Wait for the pages, or for a stop and then no longer than the manifest allows."""
        stopping = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({feeding, recording, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done() and not feeding.done():
                await asyncio.wait({feeding, recording}, timeout=self.manifest.limits.stop_within_s / 2)
        finally:
            stopping.cancel()
            if not feeding.done():
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
            if not recording.done():
                await self.recorder.finish()
            await recording
        if not feeding.cancelled():
            feeding.result()

    async def _watch(self) -> None:
        """Heartbeats, the lease, and the stop file."""
        limits = self.manifest.limits
        next_beat, last_done, last_at = 0.0, 0, time.monotonic()
        while True:
            now = time.monotonic()
            if now >= next_beat:
                done = self.recorder.ok + self.recorder.failed
                rate = (done - last_done) / max(now - last_at, 1e-6)
                next_beat, last_done, last_at = now + limits.heartbeat_s, done, now
                self._beat(rate)
            if (self.run_folder / "stop").exists():
                self.stop("asked to stop")
            await asyncio.sleep(_STOP_POLL_S)

    def _beat(self, pages_per_s: float) -> None:
        try:
            self.claim.renew()
        except ClaimedElsewhere as error:
            self.stop(str(error))
        except OSError:
            pass  # a full disk shows when the next page is recorded
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.journal.heartbeat(
            done=self.recorder.ok + self.recorder.failed,
            ok=self.recorder.ok,
            failed=self.recorder.failed,
            total=self.total - self.skipped,
            pages_per_s=round(pages_per_s, 3),
            rendered_waiting=self.feed.rendered_waiting if self.feed else 0,
            in_flight=self.feed.in_flight if self.feed else 0,
            cpu_s=round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 2),
        )


def available_cores() -> int:
    """Cores this process may use, which a scheduler may have limited."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def run_stage(run: Path, scheduler_id: str, cores: int = 0) -> int:
    """Do the job in `run`. Returns the process's exit status; everything else is in exit.json."""
    try:
        manifest = load_manifest((run / "manifest.json").read_bytes())
    except (OSError, ProtocolError) as error:
        _say_last(run, ExitReport(token="", outcome="error", cause=f"the manifest cannot be used: {error}"))
        return EXIT_ERROR
    stopped_early: list[str] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped_early.append("ended by a signal"))
    try:
        claim = Claim.take(run, scheduler_id, manifest.limits.lease_s, lambda: bool(stopped_early))
    except ClaimedElsewhere as error:
        write_whole(run / f"duplicate-{os.getpid()}.txt", f"{error}\n".encode())
        return EXIT_DUPLICATE
    report = asyncio.run(_run(run, manifest, claim, cores or available_cores(), stopped_early))
    _say_last(run, report)
    claim.release()
    return {"ok": EXIT_OK, "partial": EXIT_PARTIAL}.get(report.outcome, EXIT_ERROR)


async def _run(
    run: Path, manifest: Manifest, claim: Claim, cores: int, stopped_early: list[str]
) -> ExitReport:
    stage = Stage(run, manifest, claim, cores)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, stage.stop, "ended by a signal")
    if stopped_early:
        stage.stop(stopped_early[0])
    return await stage.run()


def _say_last(run: Path, report: ExitReport) -> None:
    write_whole(run / "exit.json", dump_exit_report(report))
