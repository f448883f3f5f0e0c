"""Whether this Python can read pages with an engine: asked by the panel before a job finds out."""

from __future__ import annotations

import importlib
import json
from typing import Any

from bocr_worker import __version__
from bocr_worker.engines.base import EngineUnavailable

NEEDED = ("numpy", "PIL", "pypdfium2")
"""What every job imports to draw pages."""


def fitness(engine: str) -> dict[str, Any]:
    """Loads no model. {"worker": version, "missing": {module: why}, "known": whether there is such an
    engine, "cause" and "needs": why it cannot run here, both empty when it can}."""
    from bocr_worker.engines.registry import engine_named

    missing = {name: why for name in NEEDED if (why := _failure(name)) is not None}
    record: dict[str, Any] = {"worker": __version__, "missing": missing, "known": True}
    try:
        spec = engine_named(engine)
    except EngineUnavailable as error:
        return {**record, "known": False, "cause": error.cause, "needs": error.needs}
    problem = spec.check()
    return {**record, "cause": problem.cause if problem else "", "needs": problem.needs if problem else ""}


def _failure(module: str) -> str | None:
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - a broken package may raise anything
        return f"{type(error).__name__}: {error}"[:500]
    return None


def say_fitness(engine: str) -> int:
    """Print it as one line of JSON."""
    print(json.dumps(fitness(engine)))  # noqa: T201 - this is the answer
    return 0
