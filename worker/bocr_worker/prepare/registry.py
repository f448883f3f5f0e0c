"""Which preparations there are: every module of this folder that defines STEP or STEPS."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from bocr_worker import prepare
from bocr_worker.prepare.base import Step


class UnknownPreparation(ValueError):
    """No step has this name; the message lists those there are."""

    def __init__(self, name: str) -> None:
        known = ", ".join(sorted(all_steps()))
        super().__init__(f"there is no preparation {name[:80]!r}. Known: {known}")
        self.name = name


@cache
def all_steps() -> dict[str, Step]:
    """Every step by name. Imports numpy and Pillow."""
    steps: dict[str, Step] = {}
    for info in pkgutil.iter_modules(prepare.__path__):
        if info.name == "registry":
            continue
        module = importlib.import_module(f"{prepare.__name__}.{info.name}")
        for step in (getattr(module, "STEP", None), *getattr(module, "STEPS", ())):
            if isinstance(step, Step):
                steps[step.name] = step
    return steps


def step_named(name: str) -> Step:
    """Raises UnknownPreparation, naming the steps there are."""
    step = all_steps().get(name)
    if step is None:
        raise UnknownPreparation(name)
    return step
