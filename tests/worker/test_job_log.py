"""What a job prints for whoever looks at its log."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from bocr_worker import __version__
from bocr_worker.joblog import MOST_FAILURES, JobLog
from bocr_worker.protocol.manifest import PageOrder
from tests.papers import make_pdf
from tests.worker.runs import TOKEN, WORKER, make_run, noop_manifest, order_of


def log_of(run: Path, encoding: str = "utf-8") -> list[str]:
    """The lines a worker prints, without their dates."""
    ended = subprocess.run(
        [sys.executable, "-m", "bocr_worker", str(run), "--job", "test.1", "--cores", "1"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(WORKER), "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == b""
    return [line.split(" ", 2)[2] for line in ended.stdout.decode("utf-8").splitlines()]


def test_a_log_tells_the_start_each_document_each_failure_and_the_end(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "جريدة.pdf", 2)
    order = order_of(paper, 2)
    gone = replace(
        order,
        sha256="0" * 64,
        path=str(tmp_path / "gone.pdf"),
        name="gone\n\x1b[31m.pdf",
        pages=(PageOrder(7),),
    )
    lines = log_of(make_run(tmp_path, noop_manifest(order, gone)), encoding="ascii")
    assert lines[0].startswith(f"bocr worker {__version__}, Python {sys.version.split()[0]} (")
    assert lines[1] == f"job {TOKEN}, stage 1: noop through inline, up to 3 pages of 2 documents"
    assert "loading: engine noop, skipped 0" in lines
    assert f"document جريدة.pdf ({order.sha256[:12]}), 2 pages" in lines
    (failure,) = [line for line in lines if line.startswith("failed: ")]
    assert failure.startswith("failed: gone��[31m.pdf page 7, render (cause the file cannot be read")
    assert lines[-1].startswith("ended ok after ")
    assert lines[-1].endswith("pages: 2 ok, 1 failed, 0 skipped, 0 left")


def test_failures_are_told_up_to_a_number() -> None:
    told: list[str] = []
    log = JobLog(noop_manifest())
    log.say = told.append  # type: ignore[method-assign]
    for number in range(MOST_FAILURES + 10):
        log.hear({"kind": "page", "document": "0" * 64, "page": number, "status": "failed", "class": "empty"})
    assert len(told) == MOST_FAILURES + 1
    assert told[-1] == "further failures stand in the journal alone"


def test_a_start_that_finds_the_run_done_says_so(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 1)
    run = make_run(tmp_path, noop_manifest(order_of(paper, 1)))
    log_of(run)
    again = subprocess.run(
        [sys.executable, "-m", "bocr_worker", str(run), "--job", "test.1"],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(WORKER)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert again.stdout == b"" and b"this start did nothing: " in again.stderr
