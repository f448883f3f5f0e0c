"""Whole jobs with real engines' prompts and parsers, through the stand-in server: nothing is injected."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bocr_worker.protocol.manifest import EngineOrder
from tests.papers import make_pdf
from tests.worker.runs import (
    exit_report,
    make_run,
    order_of,
    result_of,
    start_worker,
    verdicts,
)
from tests.worker.stand_in import Settings, StandIn
from tests.worker.vision_worker import vision_manifest

pytest.importorskip("aiohttp")

OWN: dict[str, Any] = {
    "model": "archive/ocr",
    "parser": "grounding",
    "dpi": 100,
    "prompts": {"page": "Lis cette page."},
}


@pytest.mark.parametrize(
    ("name", "definition", "prompt"),
    [("deepseek-ocr", {}, "markdown"), ("archive-ocr", OWN, "page")],
    ids=["an engine of the worker", "an engine of bocr.toml"],
)
async def test_a_job_reads_with_the_engine_that_was_ordered(
    tmp_path: Path, name: str, definition: dict[str, Any], prompt: str
) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 3)
    async with StandIn(Settings(markup="deepseek", tokens="200")) as server:
        order = EngineOrder(name, "openai", options={"url": server.url}, definition=definition)
        manifest = replace(vision_manifest(order_of(paper, 3), url=server.url), engine=order)
        run = make_run(tmp_path, manifest)
        worker = start_worker(run)
        assert await asyncio.to_thread(worker.wait, 60) == 0
    assert (exit_report(run).ok, exit_report(run).failed) == (3, 0)
    for events in verdicts(run).values():
        read = result_of(run, events[0]).recognition
        assert read.blocks and all(block.label for block in read.blocks)
        assert str(read.extra["prompt"]).startswith(f"{prompt} ")
