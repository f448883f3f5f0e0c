"""Which engines a person can choose from: those that can run first, and why the others cannot."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace


async def engines_to_choose(workspace: Workspace, tried: Sequence[str]) -> list[tuple[str, str]]:
    """Names with what to say of each: of those that can run those of the pipeline first, then those that were
    not tried; then the others."""
    return await asyncio.to_thread(_to_choose, workspace, tuple(tried))


def _to_choose(workspace: Workspace, tried: Sequence[str]) -> list[tuple[str, str]]:
    from bocr_tui.config.engines import engine_specs
    from bocr_tui.config.errors import BocrError
    from bocr_tui.control.engine_fitness import unfit
    from bocr_worker.engines.registry import all_engines

    reasons: dict[str, str] = {}
    try:
        config = workspace.config
        specs = engine_specs(config)
        stages = [stage if isinstance(stage, str) else stage.engine for stage in config.pipeline]
        reasons = {name: each.words for name, each in unfit(config, config.site, specs).items()}
    except BocrError:
        specs, stages = all_engines(), []
    times = Counter(tried)
    names = [*dict.fromkeys(name for name in stages if name in specs)]
    names += sorted((name for name in specs if name not in names), key=lambda name: (times[name] > 0, name))
    names = fit_first([name for name in names if name != "noop"], reasons)
    return [(name, _said(name, specs[name].title, times[name], reasons.get(name, ""))) for name in names]


def fit_first(names: Sequence[str], reasons: Mapping[str, str]) -> list[str]:
    """In the same order, but those last that cannot run, which is why they have a reason."""
    return sorted(names, key=lambda name: name in reasons)


def _said(name: str, title: str, times: int, reason: str) -> str:
    tried = f"  tried {times}×" if times else ""
    if reason:
        return f"{name}{tried}  ({reason})"
    return f"{name}{tried}  {title if title != name else ''}".rstrip()
