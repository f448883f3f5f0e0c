"""A job from its start to its last word: the manifest, the claim, the signals, exit.json."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from bocr_worker.claim import Claim, ClaimedElsewhere
from bocr_worker.files import write_whole
from bocr_worker.joblog import JobLog
from bocr_worker.journal import JournalWriter
from bocr_worker.protocol.errors import ProtocolError
from bocr_worker.protocol.exit_report import ExitReport, dump_exit_report
from bocr_worker.protocol.manifest import Manifest, load_manifest
from bocr_worker.recognising import Recognising
from bocr_worker.splitting import SPLIT, Splitting
from bocr_worker.stage import Job, Stage, Work
from bocr_worker.stopping import BY_SIGNAL, StopSign

EXIT_OK, EXIT_ERROR, EXIT_PARTIAL = 0, 1, 4
"""EXIT_OK without an exit.json: another start of the job holds the run folder, and the last word there is its
own. The script that called must write none."""


def run_job(run: Path, scheduler_id: str, cores: int = 0) -> int:
    """Do the job in `run`. Returns the process's exit status; everything else is in exit.json."""
    try:
        manifest = load_manifest((run / "manifest.json").read_bytes())
    except (OSError, ProtocolError) as error:
        cause = f"the manifest cannot be used: {error}"
        print(cause, file=sys.stderr)  # noqa: T201
        _say_last(run, ExitReport(token="", outcome="error", cause=cause))
        return EXIT_ERROR
    early: list[str] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: early.append(BY_SIGNAL))
    try:
        claim = Claim.take(
            run, scheduler_id, manifest.limits.lease_s, lambda: bool(early) or (run / "stop").exists()
        )
    except ClaimedElsewhere as error:
        _say_elsewhere(run, str(error))
        return EXIT_OK
    return asyncio.run(_run(run, manifest, claim, cores or available_cores(), early))


async def _run(run: Path, manifest: Manifest, claim: Claim, cores: int, early: list[str]) -> int:
    """Up to exit.json and the lease's end: afterwards asyncio waits for threads, which a filesystem that
    hangs may hold for longer than the scheduler does."""
    sign = StopSign()
    sign.heed_signals()
    if early:
        sign.give(early[0])
    log = JobLog(manifest)
    log.begin(cores)
    job = Job(run, manifest, claim, cores, JournalWriter(run, manifest.token, log.hear), sign)
    report = await Stage(job, _work(job)).run()
    log.end(report)
    try:
        claim.confirm()
        _say_last(run, report)
    except ClaimedElsewhere as error:
        _say_elsewhere(run, str(error))
        return EXIT_OK
    except OSError as error:
        print(f"exit.json cannot be written: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_ERROR
    claim.release()
    return {"ok": EXIT_OK, "partial": EXIT_PARTIAL}.get(report.outcome, EXIT_ERROR)


def _work(job: Job) -> Work:
    return Splitting(job) if job.manifest.engine.name == SPLIT else Recognising(job)


def available_cores() -> int:
    """Cores this process may use, which a scheduler may have limited."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _say_last(run: Path, report: ExitReport) -> None:
    write_whole(run / "exit.json", dump_exit_report(report))


def _say_elsewhere(run: Path, why: str) -> None:
    """For a person who wonders what this start did."""
    print(f"this start did nothing: {why}", file=sys.stderr)  # noqa: T201
    with contextlib.suppress(OSError):
        name = f"duplicate-{int(time.time())}-{os.getpid()}.txt"
        write_whole(run / name, f"{why}\n".encode("utf-8", "replace"))
