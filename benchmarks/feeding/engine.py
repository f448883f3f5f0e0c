"""The worker with an engine that draws pages as Chandra does, asks for them, and reads answers with boxes.

Run in the place of `python -m bocr_worker`: `python -m benchmarks.feeding.engine RUN --job bench --cores 2`.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from bocr_worker.__main__ import main
from bocr_worker.engines import registry
from bocr_worker.engines.base import EngineSpec
from bocr_worker.engines.vision.base import VisionEngine, served_only
from bocr_worker.engines.vision.grounding import MARKUP, parse_grounding
from bocr_worker.engines.vision.sampling import Sampling

DPI, LEAST_SIDE_PX, MAX_PIXELS = 192, 1024, 6_291_456
"""How chandra-ocr 0.2 draws a page (settings.py and model/util.py)."""

SPEC = EngineSpec(
    name="bench",
    title="A model behind a stand-in",
    languages=None,
    dpi=DPI,
    max_pixels=MAX_PIXELS,
    least_side_px=LEAST_SIDE_PX,
    load=served_only("bench"),
    check=lambda: None,
    runtime="openai",
    vision=VisionEngine(
        models=("stand-in",),
        prompts={"grounded": "Read this page, with places."},
        parse=parse_grounding,
        sampling=lambda retry: Sampling(max_tokens=12384),
        markup=MARKUP,
    ),
)

SMALL = replace(SPEC, name="small", dpi=40, least_side_px=0)
"""Pages that cost next to nothing."""

if __name__ == "__main__":
    known = {**registry.all_engines(), SPEC.name: SPEC, SMALL.name: SMALL}
    registry.all_engines = lambda: known
    sys.exit(main(sys.argv[1:]))
