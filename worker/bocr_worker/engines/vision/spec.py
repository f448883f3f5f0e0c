"""From a vision-language engine to what the registry knows of it."""

from __future__ import annotations

from importlib.util import find_spec

from bocr_worker.engines.base import EngineSpec, EngineUnavailable
from bocr_worker.engines.vision.base import VisionEngine, served_only
from bocr_worker.engines.vision.versions import NONE

AT_A_TIME = 32
"""Pages in flight with one server before its own flags say more: what planning counts with."""


def vision_spec(
    name: str,
    title: str,
    vision: VisionEngine,
    *,
    dpi: int,
    max_pixels: int,
    languages: frozenset[str] | None = None,
    gives_boxes: bool = False,
) -> EngineSpec:
    """It runs behind a server where one can load it, else in process."""
    return EngineSpec(
        name=name,
        title=title,
        languages=languages,
        dpi=dpi,
        max_pixels=max_pixels,
        load=served_only(name),
        check=lambda: missing_for(name, vision),
        processes_for=lambda cores: (AT_A_TIME, 1),
        runtime="transformers" if vision.served_by == NONE else "openai",
        gives_boxes=gives_boxes,
        vision=vision,
    )


def missing_for(name: str, vision: VisionEngine) -> EngineUnavailable | None:
    """What the Python that runs this lacks to run the model itself. A server that runs already needs nothing
    here, so this is no reason to refuse a job."""
    libraries = [
        *(["vllm"] if vision.served_by != NONE else []),
        *(["transformers"] if vision.native else []),
    ]
    if any(find_spec(library) is not None for library in libraries):
        return None
    size = f"{vision.parameters_b:g} billion parameters, " if vision.parameters_b else ""
    needs = f"It runs where there is a GPU and {' or '.join(libraries)}: see docs/engines.md"
    return EngineUnavailable(name, f"a model of {size}which nothing here can run".replace("  ", " "), needs)
