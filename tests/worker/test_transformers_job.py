"""A whole job through transformers, as a job script starts it: a manifest in, journal and report out."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers", minversion="4.57")

from bocr_worker.protocol.manifest import EngineOrder, Limits, Manifest
from tests.papers import make_pdf
from tests.worker.runs import (
    TOKEN,
    exit_report,
    make_run,
    order_of,
    records,
    result_of,
    run_worker,
    verdicts,
)
from tests.worker.tiny_models import make_tiny


def test_two_pages_are_read_by_a_tiny_model_from_manifest_to_report(tmp_path: Path) -> None:
    paper = make_pdf(tmp_path / "a.pdf", 2)
    folder = make_tiny("qwen3_vl", tmp_path / "model")
    manifest = Manifest(
        token=TOKEN,
        chain=1,
        stage=0,
        engine=EngineOrder("qwen3-vl", "transformers", options={"model": str(folder), "max_tokens": 9}),
        documents=(order_of(paper, 2),),
        languages=("fr",),
        limits=Limits(lease_s=30.0, heartbeat_s=0.2, render_memory_bytes=0),
    )
    run = make_run(tmp_path, manifest)
    assert run_worker(run, timeout_s=240.0) == 0

    feeding = next(record for record in records(run, "stage") if record["phase"] == "feeding")
    assert feeding["engine_version"].startswith("transformers ")
    assert feeding["weights"].startswith(str(folder))

    found = verdicts(run)
    assert len(found) == 2
    for (event,) in found.values():
        assert event.usage.completion_tokens == 9 and event.usage.prompt_tokens
        assert event.confidence.mean is not None and 0 < event.confidence.mean < 1
        assert event.failure is not None, "noise that was cut off is no page that was read"
        assert event.provenance is not None and event.provenance.prompt_hash
        if event.result is not None:
            assert result_of(run, event).recognition.finish == "length"

    ended = next(record for record in records(run, "stage") if record["phase"] == "ended")
    assert ended["start_s"] > 0 and ended["restarts"] == 0
    report = exit_report(run)
    assert (report.outcome, report.failed, report.left) == ("ok", 2, 0)
    assert report.extra["start_s"] > 0
