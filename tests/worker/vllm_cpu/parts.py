"""What the tests with a real vLLM share: how it is run, a page, and a look at what it leaves behind."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from bocr_worker.engines.base import Ask, PageImage
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime
from bocr_worker.runtimes.vllm.runtime import VllmRuntime

ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}
KINDS = {"openai": OpenAiRuntime, "vllm": VllmRuntime}
"""vLLM's own server, and its engine in a process of ours."""


def order(engine: str, weights: Path, **options: Any) -> EngineOrder:
    given = {"model": str(weights), "environment": ENVIRONMENT, "start_deadline_s": 600.0, "restarts": 2}
    return EngineOrder(engine, options={**given, **options})


def page(size: tuple[int, int] = (224, 160), **options: Any) -> Ask:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((10, 10), "Bulletin officiel", fill="black")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return Ask(PageImage(stream.getvalue(), "png", *image.size, 72.0), ("fr",), options=options)


def processes_of(weights: Path) -> list[int]:
    """Processes whose command line names the model, and what they started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if stat[0] != "Z":
                parents[int(entry.name)] = (int(stat[1]), str(weights).encode() in line)
    ours = {pid for pid, (_, named) in parents.items() if named and pid != os.getpid()}
    while more := {pid for pid, (parent, _) in parents.items() if parent in ours} - ours:
        ours |= more
    return sorted(ours)
