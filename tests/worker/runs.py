"""Run folders for worker tests: a manifest, a worker process, and what it left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bocr_worker.journal import read_records
from bocr_worker.protocol.events import FAILED, OK, PageEvent, read_page_event
from bocr_worker.protocol.exit_report import ExitReport, load_exit_report
from bocr_worker.protocol.manifest import (
    DocumentOrder,
    EngineOrder,
    Limits,
    Manifest,
    PageOrder,
    dump_manifest,
)
from bocr_worker.protocol.results import PageResult, decode_result

WORKER = Path(__file__).resolve().parents[2] / "worker"
TOKEN = "btestrun12"
FAST = Limits(lease_s=5.0, heartbeat_s=0.2, render_processes=1, render_memory_bytes=0)


def order_of(path: Path, pages: int, **fields: object) -> DocumentOrder:
    stat = path.stat()
    order = DocumentOrder(
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        path=str(path),
        kind="pdf",
        name=path.name,
        size_bytes=stat.st_size,
        mtime_ns=stat.st_mtime_ns,
        pages=tuple(PageOrder(number + 1) for number in range(pages)),
    )
    return replace(order, **fields)  # type: ignore[arg-type]


def make_run(root: Path, manifest: Manifest) -> Path:
    run = root / "runs" / manifest.token
    run.mkdir(parents=True)
    (run / "manifest.json").write_bytes(dump_manifest(manifest))
    return run


def noop_manifest(*documents: DocumentOrder, runtime: str = "inline", **options: object) -> Manifest:
    """An order for the engine that reads nothing; what sleeps or hangs needs `runtime="local"`."""
    return Manifest(
        token=TOKEN,
        chain=1,
        stage=0,
        engine=EngineOrder("noop", runtime=runtime, options=dict(options)),
        documents=documents,
        languages=("fr",),
        limits=FAST,
    )


def start_worker(
    run: Path, cores: int = 1, job: str = "test.1", **environment: str
) -> subprocess.Popen[bytes]:
    """The worker as a job script starts it, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "bocr_worker", str(run), "--job", job, "--cores", str(cores)],
        env={**os.environ, "PYTHONPATH": str(WORKER), **environment},
        start_new_session=True,
    )


def run_worker(run: Path, timeout_s: float = 60.0) -> int:
    return start_worker(run).wait(timeout_s)


def journals_of(run: Path) -> list[Path]:
    """Those of the last start last."""
    return sorted(run.glob("journal-*.jsonl"), key=lambda path: path.stat().st_mtime_ns)


def page_events(run: Path) -> list[PageEvent]:
    """Every page event of every journal of a run, in the order of writing within a journal."""
    return [
        read_page_event(record, journal.name)
        for journal in journals_of(run)
        for record in read_records(journal)
        if record.get("kind") == "page"
    ]


def verdicts(run: Path) -> dict[tuple[str, int], list[PageEvent]]:
    """By page: its ok and last failed events."""
    found: dict[tuple[str, int], list[PageEvent]] = {}
    for event in page_events(run):
        if event.status == OK or (event.status == FAILED and event.last):
            found.setdefault((event.document, event.page), []).append(event)
    return found


def result_of(run: Path, event: PageEvent) -> PageResult:
    assert event.result is not None
    with (run / event.result.file).open("rb") as stream:
        stream.seek(event.result.offset)
        return decode_result(stream.read(event.result.length), "test", event.result)


def exit_report(run: Path) -> ExitReport:
    return load_exit_report((run / "exit.json").read_bytes())


def records(run: Path, kind: str) -> list[dict[str, Any]]:
    """Every record of one kind, in all journals of a run, in the order of the starts."""
    return [
        record
        for journal in journals_of(run)
        for record in read_records(journal)
        if record.get("kind") == kind
    ]


def wait_for(ready: Callable[[], object], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")
