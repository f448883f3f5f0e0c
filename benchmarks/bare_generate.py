"""The library alone: the same model, batches already prepared, `generate` and nothing else.

Prints one line of JSON: `pages` and `seconds`. Run in a process of its own, after the runtime's have ended.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bocr_worker.engines.vision.native import NativeCall
from bocr_worker.engines.vision.sampling import Sampling
from bocr_worker.runtimes.transformers.generating import prepare
from bocr_worker.runtimes.transformers.loading import load
from bocr_worker.runtimes.transformers.wire import Opening, Row


@dataclass(frozen=True)
class BareOrder:
    """Pages of one size, `batch` at a time, each with so many tokens for an answer."""

    folder: str
    device: str
    pages: list[str]
    """Files."""
    batch: int
    answer_tokens: int


def main(words: list[str]) -> int:
    order = BareOrder(**json.loads(words[0]))
    opening = Opening(
        engine="bare",
        model=order.folder,
        native=NativeCall(model_types=("qwen3_vl",)),
        infer=None,
        trust_remote_code=False,
        device=order.device,
        dtype="",
        attention="",
        batch_size=order.batch,
        logprobs=False,
        stop_loops=False,
        threads=0,
        scratch=order.folder,
        random_weights=True,
    )
    loaded, _ = load(opening)
    rows = [
        Row(Path(page).read_bytes(), "OCR this image to HTML.", "", Sampling(), 0.0) for page in order.pages
    ]
    batches = [rows[at : at + order.batch] for at in range(0, len(rows), order.batch)]

    def read(batch: list[Row]) -> None:
        inputs = prepare(loaded, batch).to(loaded.model.device, dtype=loaded.model.dtype)
        most = order.answer_tokens
        loaded.model.generate(**inputs, do_sample=False, min_new_tokens=most, max_new_tokens=most)

    import torch

    with torch.inference_mode():
        read(batches[0])
        began = time.monotonic()
        for batch in batches:
            read(batch)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        seconds = time.monotonic() - began
    print(json.dumps({"pages": len(rows), "seconds": seconds}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
