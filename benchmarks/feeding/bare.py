"""The bare work on the same pages: a pool that draws each at Chandra's size and encodes it, nothing more.

`python -m benchmarks.feeding.bare FILE PROCESSES`; FILE holds a JSON list of [path, pages, scan]. Clean pages
become PNG at level 1, scans JPEG, both by Pillow.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

DPI, LEAST_SIDE_PX, MAX_PIXELS = 192, 1024, 6_291_456

_kept: dict[str, Any] = {}


def _draw(task: tuple[str, int, bool]) -> int:
    import pypdfium2

    path, number, scan = task
    if path not in _kept:
        _kept.clear()
        _kept[path] = pypdfium2.PdfDocument(path)
        _kept[path].init_forms()
    page = _kept[path][number]
    width_pt, height_pt = page.get_size()
    scale = max(DPI / 72, LEAST_SIDE_PX / min(width_pt, height_pt))
    scale = min(scale, (MAX_PIXELS / (width_pt * height_pt)) ** 0.5)
    image = page.render(scale=scale, grayscale=True).to_pil()
    sink = io.BytesIO()
    if scan:
        image.save(sink, "JPEG", quality=88)
    else:
        image.save(sink, "PNG", compress_level=1)
    return len(sink.getvalue())


def main(file: str, processes: int) -> None:
    papers = json.loads(Path(file).read_text())
    tasks = [(path, number, scan) for path, pages, scan in papers for number in range(pages)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        done = sum(1 for _ in pool.imap_unordered(_draw, tasks, chunksize=1))
    assert done == len(tasks)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
