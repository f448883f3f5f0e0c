"""Which engines there are: every module of this folder that defines SPEC or SPECS; nothing is registered."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from bocr_worker import engines
from bocr_worker.engines.base import EngineSpec, EngineUnavailable
from bocr_worker.protocol.manifest import EngineOrder


@cache
def all_engines() -> dict[str, EngineSpec]:
    """Every engine by name, installed or not."""
    specs: dict[str, EngineSpec] = {}
    for module in pkgutil.iter_modules(engines.__path__):
        if module.name in ("base", "registry"):
            continue
        found = importlib.import_module(f"{engines.__name__}.{module.name}")
        for spec in (getattr(found, "SPEC", None), *getattr(found, "SPECS", ())):
            if isinstance(spec, EngineSpec):
                specs[spec.name] = spec
    return specs


def engine_named(name: str) -> EngineSpec:
    """Raises EngineUnavailable, naming the engines there are."""
    spec = all_engines().get(name)
    if spec is None:
        known = ", ".join(sorted(all_engines()))
        raise EngineUnavailable(name, "there is no engine of this name", f"Known: {known}")
    return spec


def engine_of(order: EngineOrder) -> EngineSpec:
    """The engine of an order, made of its definition where it brings one. Raises EngineUnavailable."""
    if not order.definition:
        return engine_named(order.name)
    from bocr_worker.engines.vision.defined import DefinitionError, define

    try:
        return define(order.name, order.definition, all_engines())
    except DefinitionError as error:
        raise EngineUnavailable(
            order.name, f"its definition: {error}", "Mend [engines] in bocr.toml"
        ) from None


def readable_languages(spec: EngineSpec) -> frozenset[str] | None:
    """What the engine can read on this machine; None: everything. May start a program."""
    return spec.languages if spec.available_languages is None else spec.available_languages()
