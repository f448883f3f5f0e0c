"""One job between the claim and its report: the work, its heartbeats, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bocr_worker.claim import Claim, ClaimedElsewhere
from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.journal import JournalWriter
from bocr_worker.pace import Pace
from bocr_worker.protocol.exit_report import ExitReport
from bocr_worker.protocol.manifest import Manifest
from bocr_worker.render.pool import RendererBroken
from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.stopping import SIGNAL_GRACE_S, JobStops, StopSign
from bocr_worker.vitals import Vitals

_STOP_POLL_S = 0.25


@dataclass(frozen=True)
class Job:
    """What every kind of stage works with."""

    run_folder: Path
    manifest: Manifest
    claim: Claim
    cores: int
    journal: JournalWriter
    sign: StopSign

    @property
    def site_root(self) -> Path:
        return self.run_folder.parent.parent


@dataclass(frozen=True)
class Counts:
    """Pages of the manifest: read, failed, not this stage's to take, and `passed` on without a verdict by a
    stage that gives none. `beat` goes into the heartbeats besides, `extra` into the report."""

    ok: int = 0
    failed: int = 0
    skipped: int = 0
    passed: int = 0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    beat: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> int:
        return self.ok + self.failed + self.passed


class Work(Protocol):
    """A kind of stage: reading pages, or drawing them."""

    async def run(self) -> None:
        """Until everything is done or the sign to stop is given. Raises what a stage understands."""
        ...

    def counts(self) -> Counts: ...

    def close(self) -> None:
        """Close its files."""
        ...


class Stage:
    """Runs a job's work under its heartbeats and says how it ended."""

    def __init__(self, job: Job, work: Work) -> None:
        self._job = job
        self._work = work
        self._begun = time.monotonic()
        self._vitals = Vitals()
        self._before = Counts()
        self._before_at = self._begun
        self._pace = Pace()

    async def run(self) -> ExitReport:
        """Never raises: whatever goes wrong is in the report."""
        watchers = [asyncio.create_task(self._watch()), asyncio.create_task(self._vitals.watch())]
        try:
            outcome, cause = await self._outcome()
        finally:
            for watcher in watchers:
                watcher.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)
        return self._report(outcome, cause)

    async def _outcome(self) -> tuple[str, str]:
        sign = self._job.sign
        try:
            await self._work.run()
        except (JobStops, ClaimedElsewhere) as error:
            sign.give(str(error) or "asked to stop")
        except (RuntimeBroken, EngineUnavailable, RendererBroken) as error:
            # Children that the end of the job took with it are no engine that is broken.
            if not await sign.comes_within(SIGNAL_GRACE_S):
                return "error", str(error)
        except OSError as error:
            return "error", f"the run folder cannot be written: {error}"
        except Exception as error:  # noqa: BLE001 - a bug of ours must leave its word, too
            traceback.print_exc()
            return "error", f"a fault in the worker: {type(error).__name__}: {error}"
        if self._left() > 0:
            return "partial", sign.reason or "pages were left"
        return "ok", ""

    def _left(self) -> int:
        counts = self._work.counts()
        return self._job.manifest.page_count - counts.done - counts.skipped

    def _report(self, outcome: str, cause: str) -> ExitReport:
        counts, journal = self._work.counts(), self._job.journal
        extra = {**counts.extra, **_idle_gpus(counts.extra, self._vitals.facts)}
        # All that counts is on the disk already: a full one must not take the last word.
        with contextlib.suppress(OSError):
            self._work.close()
        with contextlib.suppress(OSError):
            self._beat(last=True)  # the one before knows nothing of the last pages
            journal.stage("ended", outcome=outcome, **extra)
            journal.close()
        return ExitReport(
            token=self._job.manifest.token,
            outcome=outcome,
            cause=cause,
            ok=counts.ok,
            failed=counts.failed,
            skipped=counts.skipped + counts.passed,
            left=self._left(),
            seconds=round(time.monotonic() - self._begun, 3),
            journals=(journal.end(),),
            extra=extra,
        )

    async def _watch(self) -> None:
        """Heartbeats, the lease, and the stop file."""
        limits = self._job.manifest.limits
        renew_s = min(limits.heartbeat_s, limits.lease_s / 4)
        beat_at = renew_at = 0.0
        while True:
            now = time.monotonic()
            if now >= renew_at:
                renew_at = now + renew_s
                self._renew()
            if now >= beat_at:
                beat_at = now + limits.heartbeat_s
                with contextlib.suppress(OSError):  # a full disk shows when the next page is recorded
                    self._beat()
            with contextlib.suppress(OSError):  # a network filesystem may not answer for once
                if (self._job.run_folder / "stop").exists():
                    self._job.sign.give("asked to stop")
            await asyncio.sleep(min(_STOP_POLL_S, renew_s))

    def _renew(self) -> None:
        try:
            self._job.claim.renew()
        except ClaimedElsewhere as error:
            self._job.sign.give(str(error))
        except OSError:
            pass  # likewise; and without a fresh lease nothing is recorded

    def _beat(self, *, last: bool = False) -> None:
        """The last one has no rates: those of a moment say nothing."""
        counts, now = self._work.counts(), time.monotonic()
        span_s = max(now - self._before_at, 1e-6)
        before, self._before, self._before_at = self._before, counts, now
        rates = {
            "pages_per_s": round(self._pace.saw(now, counts.done), 3),
            **_tokens("prompt_tokens", before.prompt_tokens, counts.prompt_tokens, span_s),
            **_tokens("completion_tokens", before.completion_tokens, counts.completion_tokens, span_s),
        }
        own = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._job.journal.heartbeat(
            done=counts.done,
            ok=counts.ok,
            failed=counts.failed,
            total=self._job.manifest.page_count - counts.skipped,
            cpu_s=round(own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, 2),
            **{name: value for name, value in rates.items() if not (last and name.endswith("_per_s"))},
            **counts.beat,
            **{**_costs(counts.extra, self._vitals.facts), **self._vitals.facts},
        )


def _costs(extra: Mapping[str, Any], vitals: Mapping[str, float]) -> dict[str, float]:
    """What of the job's last word each heartbeat says, too."""
    names = ("first_page_s", "engine_idle_s", "restart_lost_s")
    return {**{name: extra[name] for name in names if name in extra}, **_idle_gpus(extra, vitals)}


def _idle_gpus(extra: Mapping[str, Any], vitals: Mapping[str, float]) -> dict[str, float]:
    """GPU seconds that the job held and did not use: where it has GPUs."""
    idle_s, gpus = extra.get("engine_idle_s"), vitals.get("gpus")
    return {} if idle_s is None or not gpus else {"gpus": gpus, "idle_gpu_s": round(idle_s * gpus, 1)}


def _tokens(name: str, before: int | None, now: int | None, span_s: float) -> dict[str, float]:
    if now is None:
        return {}
    return {name: now, f"{name}_per_s": round((now - (before or 0)) / span_s, 1)}
