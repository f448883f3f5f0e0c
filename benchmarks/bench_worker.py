"""The worker against the bare work, and its memory against the number of pages."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.memory import tree_rss_bytes
from benchmarks.pages import ROOT, dense_document, french_document, long_document
from benchmarks.result import Result
from bocr_worker.protocol.manifest import (
    DocumentOrder,
    EngineOrder,
    Limits,
    Manifest,
    PageOrder,
    dump_manifest,
)

NAMES = ("worker.overhead", "worker.rapidocr", "worker.memory_growth")
PROCESSES = 2
DPI = 144.0
ROUNDS = 5
REPEATS = 3
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'worker'}"}


def run() -> list[Result]:
    """Ratios of pages a second, worker ÷ bare; peak memory at 10,000 pages ÷ at 100."""
    with tempfile.TemporaryDirectory() as folder:
        return [overhead(Path(folder)), rapidocr(Path(folder)), memory_growth(Path(folder))]


def overhead(folder: Path) -> Result:
    """Whole processes, start to end, in pairs, so that a drifting machine slows both."""
    document, pages = long_document(folder)
    ratios, rates = [], []
    for number in range(ROUNDS):
        bare_s = _timed(
            [
                sys.executable,
                "-m",
                "benchmarks.bare",
                "render",
                str(document),
                str(pages),
                str(REPEATS),
                str(DPI),
                str(PROCESSES),
            ]
        )
        orders = _order(document, pages, REPEATS)
        ours_s = _timed(_worker(_run_folder(folder, f"boverhead{number}", orders, "noop", "inline")))
        ratios.append(bare_s / ours_s)
        rates.append(pages * REPEATS / bare_s)
        print(f"  worker {pages * REPEATS / ours_s:.1f} pages/s, bare {rates[-1]:.1f} pages/s")
    return Result("worker.overhead", statistics.median(ratios), "ratio", statistics.median(rates), "higher")


def rapidocr(folder: Path) -> Result:
    """Both without loading the engine: the worker's time is from its journal, from the engine being ready to
    the last page being safe."""
    document, pages = french_document(folder)
    ratios, rates = [], []
    for number in range(3):
        bare = [
            sys.executable,
            "-m",
            "benchmarks.bare",
            "rapidocr",
            str(document),
            str(pages),
            "1",
            str(_engine_dpi()),
            str(os.cpu_count() or 1),
        ]
        bare_s = float(
            subprocess.run(bare, env=ENVIRONMENT, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        )
        folder_of_run = _run_folder(
            folder, f"brapid{number}", _order(document, pages, 1), "rapidocr", "local"
        )
        subprocess.run(_worker(folder_of_run), env=ENVIRONMENT, check=True)
        ours_s = _fed_s(folder_of_run)
        ratios.append(bare_s / ours_s)
        rates.append(pages / bare_s)
        print(f"  worker {pages / ours_s:.3f} pages/s, bare loop {pages / bare_s:.3f} pages/s")
    return Result("worker.rapidocr", statistics.median(ratios), "ratio", statistics.median(rates), "higher")


def memory_growth(folder: Path) -> Result:
    """The largest sum of the resident memory of the worker and its children, sampled while it runs."""
    document = dense_document(folder / "growth.pdf", 100)
    peaks = {}
    for repeats in (1, 100):
        run = _run_folder(folder, f"bgrow{repeats}", _order(document, 100, repeats), "noop", "inline", dpi=60)
        process = subprocess.Popen(_worker(run), env=ENVIRONMENT)
        peaks[repeats] = _watch_memory(process)
        print(f"  {repeats * 100} pages: peak {peaks[repeats] / 1e6:.0f} MB")
    return Result("worker.memory_growth", peaks[100] / peaks[1], "ratio", peaks[1] / 1e6, "lower")


def _engine_dpi() -> int:
    from bocr_worker.engines.registry import engine_named

    return engine_named("rapidocr").dpi


def _order(document: Path, pages: int, repeats: int) -> tuple[DocumentOrder, ...]:
    """The same file `repeats` times, as documents of different names, so that no page is skipped."""
    stat = document.stat()
    return tuple(
        DocumentOrder(
            sha256=hashlib.sha256(f"{document}{number}".encode()).hexdigest(),
            path=str(document),
            kind="pdf",
            name=document.name,
            size_bytes=stat.st_size,
            mtime_ns=stat.st_mtime_ns,
            pages=tuple(PageOrder(page + 1) for page in range(pages)),
            language="fr",
            language_binding=True,
        )
        for number in range(repeats)
    )


def _run_folder(
    folder: Path,
    token: str,
    documents: tuple[DocumentOrder, ...],
    engine: str,
    runtime: str,
    dpi: int | None = None,
) -> Path:
    manifest = Manifest(
        token=token,
        chain=1,
        stage=0,
        engine=EngineOrder(engine, runtime=runtime),
        documents=documents,
        languages=("fr",),
        limits=Limits(render_processes=PROCESSES if engine == "noop" else 0),
    )
    if dpi is not None:
        manifest = replace(manifest, first=(replace(manifest.first[0], dpi=dpi),))
    run = folder / "runs" / token
    run.mkdir(parents=True)
    (run / "manifest.json").write_bytes(dump_manifest(manifest))
    return run


def _worker(run: Path) -> list[str]:
    return [
        sys.executable,
        "-m",
        "bocr_worker",
        str(run),
        "--job",
        "bench",
        "--cores",
        str(os.cpu_count() or 1),
    ]


def _timed(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, check=True)
    return time.perf_counter() - begun


def _fed_s(run: Path) -> float:
    """From `feeding` to the last page event of the run's journal."""
    (journal,) = run.glob("journal-*.jsonl")
    records = [json.loads(line[9:]) for line in journal.read_bytes().splitlines()]
    fed = next(record["at"] for record in records if record.get("phase") == "feeding")
    ended = next(record["at"] for record in records if record.get("phase") == "ended")
    return float(ended - fed)


def _watch_memory(process: subprocess.Popen[bytes]) -> int:
    peak = 0
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(0.05):
            peak = max(peak, tree_rss_bytes(process.pid))

    watcher = threading.Thread(target=sample)
    watcher.start()
    status = process.wait()
    done.set()
    watcher.join()
    assert status == 0
    return peak
