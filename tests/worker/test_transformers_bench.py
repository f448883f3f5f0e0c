"""The GPU's benchmark: its path at a size that any machine bears, and its word where there is no GPU."""

from __future__ import annotations

import pytest

from benchmarks import bench_gpu
from benchmarks.gpu_model import ROPE, TEXT, VISION


def test_without_a_gpu_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_gpu.shutil, "which", lambda name: None)
    assert bench_gpu.run() == []
    assert "not measured" in capsys.readouterr().out


def test_the_same_path_reads_pages_with_a_tiny_architecture() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers", minversion="4.57")
    text = {**TEXT, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2}
    text |= {"vocab_size": 300, "num_attention_heads": 2, "num_key_value_heads": 1}
    vision = {**VISION, "depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2}
    vision |= {"out_hidden_size": 64, "deepstack_visual_indexes": [0]}
    measured, bare = bench_gpu.measure(3, (200, 300), 7, text, vision, ROPE, device="cpu", batch_size=2)
    assert (measured.pages, measured.completion_tokens) == (3, 21)
    assert measured.prompt_tokens > 3 * 50
    assert measured.pages_per_s > 0 and measured.load_s > 0 and bare > 0
    assert "random weights" in bench_gpu.describe(measured)
