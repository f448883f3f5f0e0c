"""What the worker is measured against: the same work with nothing around it. Run as a script in a process
of its own: `python -m benchmarks.bare render|rapidocr FILE FIRST LAST REPEATS DPI PROCESSES`."""

from __future__ import annotations

import io
import multiprocessing
import sys
from pathlib import Path
from typing import Any

_document: Any = None


def _open(path: str) -> None:
    global _document  # noqa: PLW0603 - one document a pool process
    import pypdfium2

    _document = pypdfium2.PdfDocument(Path(path))


def _render(task: tuple[int, float]) -> int:
    number, dpi = task
    image = _document[number].render(scale=dpi / 72, grayscale=True).to_pil()
    sink = io.BytesIO()
    image.save(sink, "PNG", compress_level=1)
    return len(sink.getvalue())


def render(path: str, pages: int, repeats: int, dpi: float, processes: int) -> None:
    """A pool of processes that take page after page, whichever is free."""
    tasks = [(number, dpi) for _ in range(repeats) for number in range(pages)]
    with multiprocessing.get_context("spawn").Pool(processes, _open, (path,)) as pool:
        done = sum(1 for _ in pool.imap_unordered(_render, tasks, chunksize=1))
    assert done == len(tasks)


def rapidocr(path: str, pages: int, dpi: float, threads: int) -> None:
    """The engine in a loop over rendered pages, in one process, as its own documentation shows it. Prints
    the seconds spent inside the engine and in all, without loading."""
    import time

    import numpy as np
    import pypdfium2
    from rapidocr import RapidOCR

    document = pypdfium2.PdfDocument(Path(path))
    engine = RapidOCR(
        params={
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "Global.log_level": "error",
        }
    )
    begun = time.perf_counter()
    for number in range(pages):
        image = document[number].render(scale=dpi / 72, grayscale=True).to_pil().convert("RGB")
        engine(np.asarray(image))
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    kind, file, count, again, resolution, workers = sys.argv[1:7]
    if kind == "render":
        render(file, int(count), int(again), float(resolution), int(workers))
    else:
        rapidocr(file, int(count), float(resolution), int(workers))
