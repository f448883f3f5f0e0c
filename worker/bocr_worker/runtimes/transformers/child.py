"""What a child process of this runtime runs: one model, loaded once, asked for a batch of pages at a time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bocr_worker.runtimes.transformers.generating import Model, generate
from bocr_worker.runtimes.transformers.loading import load as load_model
from bocr_worker.runtimes.transformers.opened import is_out_of_memory
from bocr_worker.runtimes.transformers.remote import infer
from bocr_worker.runtimes.transformers.wire import (
    Again,
    Answers,
    Loaded,
    Opening,
    Problem,
    Row,
    RowAnswer,
    TooMany,
)

GPU_IS_LOST = 71
"""Exit status after an error that leaves CUDA of this process of no further use."""

_LONGEST_WORDS = 1000

_loaded: Model | None = None
_opening: Opening | None = None


def load(opening: Opening) -> Loaded:
    """The child's setup. Raises EngineUnavailable."""
    global _loaded, _opening
    model, told = load_model(opening)
    _loaded, _opening = model, opening
    return told


def read(rows: tuple[Row, ...]) -> Answers | TooMany:
    """The child's task: rows of one kind. Never raises for what a row or the memory is to blame for."""
    assert _loaded is not None and _opening is not None, "load comes first"
    try:
        return Answers(_read(_loaded, _opening, rows), _peak_bytes())
    except Exception as error:  # noqa: BLE001 - whatever a model raises is its answer
        trouble = _trouble(error, len(rows))
    # Only now has the error let go of its frames, and they of their tensors.
    if isinstance(trouble, TooMany):
        _free_memory()
    return trouble


def _trouble(error: Exception, rows: int) -> Answers | TooMany:
    if is_out_of_memory(error):
        return TooMany(rows, _words(error))
    _end_if_gpu_is_lost(error)
    kind, words = type(error).__name__, _words(error)
    each: RowAnswer = Problem(kind, words) if rows == 1 else Again(kind, words)
    return Answers((each,) * rows)


def _read(loaded: Model, opening: Opening, rows: tuple[Row, ...]) -> tuple[RowAnswer, ...]:
    if loaded.processor is None:
        assert opening.infer is not None
        return tuple(infer(loaded, opening.infer, row, Path(opening.scratch)) for row in rows)
    return generate(loaded, rows)


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST_WORDS]


def _free_memory() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _end_if_gpu_is_lost(error: Exception) -> None:
    """An error inside a kernel leaves the process's CUDA broken for good: only a new process can go on."""
    said = str(error)
    if "CUDA error" in said or "device-side assert" in said or "CUBLAS_STATUS" in said:
        print(f"the GPU's state is lost: {_words(error)}", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(GPU_IS_LOST)


def _peak_bytes() -> int:
    import torch

    return int(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0
