"""What a child process of the local runtime runs: one engine, loaded once, asked for one image at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bocr_worker.engines.base import Ask, Reader
from bocr_worker.engines.registry import engine_named
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import EngineIdentity

_reader: Reader | None = None


@dataclass(frozen=True)
class Opening:
    """The engine to load, by its registered name."""

    engine: str
    options: Mapping[str, Any] = field(default_factory=dict)
    threads: int = 1


def load(opening: Opening) -> EngineIdentity:
    """The child's setup. Raises what the engine raises, EngineUnavailable above all."""
    global _reader  # noqa: PLW0603 - one process, one engine
    _reader = engine_named(opening.engine).load(opening.options, opening.threads)
    return EngineIdentity(_reader.version, _reader.weights)


def read(ask: Ask) -> Recognition:
    """The child's task."""
    assert _reader is not None, "load comes first"
    return _reader.read(ask)
