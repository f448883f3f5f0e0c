"""Whether the options of an engine can be meant, by the rules of the worker that will read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bocr_tui.config.errors import ConfigError

if TYPE_CHECKING:
    from bocr_worker.engines.base import EngineSpec
    from bocr_worker.protocol.manifest import EngineOrder, Variation

Tables = Sequence[tuple[str, Mapping[str, Any]]]
"""What the tables of bocr.toml say of an engine's options, by their names; the one that wins first."""

_REFERENCE = "See docs/engines.md."


def check_options(
    spec: EngineSpec, order: EngineOrder, variations: Sequence[Variation], stage: str, tables: Tables
) -> None:
    """Else a job would find out, after hours in a queue. `stage` is where the order comes from, in words.
    Raises ConfigError that names the table, the key and the nearest one."""
    from bocr_worker.asking import objection
    from bocr_worker.protocol.manifest import Variation

    plain = Variation()
    if problem := objection(spec, order, plain):
        others = ((key, objection(spec, _without(order, key), plain)) for key in order.options)
        key = next((key for key, other in others if other != problem), "")
        place = next((f"{table} {key}" for table, said in tables if key in said), stage)
        raise _refused(place, problem)
    for variation in variations:
        if problem := objection(spec, order, variation):
            raise _refused(f"the ladder of {spec.name}, rung {variation.name!r}", problem)


def _without(order: EngineOrder, key: str) -> EngineOrder:
    return replace(order, options={name: value for name, value in order.options.items() if name != key})


def _refused(place: str, problem: str) -> ConfigError:
    said, _, near = problem.partition(". Did you mean ")
    step = f"Did you mean {near.replace(chr(39), '')}" if near else _REFERENCE
    return ConfigError(f"bocr.toml, {place}: {said.rstrip('.')}.", step)
