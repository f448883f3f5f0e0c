"""The import's pace against the bare work: hash, open, and the size of every page, by as many processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import tempfile
import time
from pathlib import Path

from benchmarks.bare_probe import bare_probe
from benchmarks.result import Result
from bocr_tui.catalog.database import open_catalog
from bocr_tui.config.workspace import make_workspace
from bocr_tui.intake.importer import import_paths

NAMES = ("import.rate", "import.again")

DOCUMENTS = 3000
PAGE_BYTES = 50_000
"""Between a page made on a computer (4 to 36 kB in real gazettes) and a scanned one (50 to 640 kB)."""

_ROUNDS = 3


def run() -> list[Result]:
    """Both are timed from the start of their processes to the last file, in turns; the best of each counts,
    because whatever else the machine does only adds."""
    processes = os.cpu_count() or 1
    bare_s, first_s, again_s = [], [], []
    with tempfile.TemporaryDirectory(prefix="bocr-bench-import-") as folder:
        root = Path(folder)
        paths = make_archive(root / "archive")
        for number in range(_ROUNDS):
            bare_s.append(time_bare(paths, processes))
            first, again = time_import(root / f"workspace{number}", root / "archive", processes)
            first_s.append(first)
            again_s.append(again)
    bare_rate = len(paths) / min(bare_s)
    return [
        Result("import.rate", min(bare_s) / min(first_s), "x bare files/s", bare_rate, "higher"),
        Result("import.again", len(paths) / min(again_s), "files/s", bare_rate, "higher"),
    ]


def make_archive(folder: Path, documents: int = DOCUMENTS) -> list[Path]:
    """Documents of 1 to 40 pages, half of them under 6, each page with a stream of its own."""
    chance = random.Random(7)
    paths = []
    for number in range(documents):
        pages = min(40, max(1, int(chance.lognormvariate(1.6, 0.9))))
        path = folder / f"{number // 500:02}" / f"gazette {number:05}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_pdf([chance.randbytes(PAGE_BYTES) for _ in range(pages)]))
        paths.append(path)
    return paths


def make_pdf(streams: list[bytes]) -> bytes:
    """A PDF of A4 pages, each with one of the streams as an image nobody draws."""
    kids = " ".join(f"{3 + 2 * place} 0 R" for place in range(len(streams)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count {len(streams)}/Kids[{kids}]>>".encode(),
    ]
    for place, stream in enumerate(streams):
        image = 4 + 2 * place
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I %d 0 R>>>>>>" % image
        )
        objects.append(f"<</Length {len(stream)}>>stream\n".encode() + stream + b"\nendstream")
    body = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj".encode() + content + b"endobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    tail = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    tail += f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF\n"
    return bytes(body) + tail.encode()


def time_bare(paths: list[Path], processes: int) -> float:
    started = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pages = sum(pool.imap_unordered(bare_probe, [str(path) for path in paths], chunksize=16))
    assert pages >= len(paths)
    return time.perf_counter() - started


def time_import(folder: Path, archive: Path, processes: int) -> tuple[float, float]:
    """Seconds of the first import, and of the same again."""
    workspace = make_workspace(folder)
    catalog = open_catalog(workspace.catalog_path)
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        report = asyncio.run(import_paths(workspace, catalog, [archive], processes=processes))
        seconds.append(time.perf_counter() - started)
        assert report.found == DOCUMENTS
        assert not report.problems
    catalog.close()
    return seconds[0], seconds[1]
