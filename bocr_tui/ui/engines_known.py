"""Which engines a person can choose from: their names, with what is known of each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace


async def engines_to_choose(workspace: Workspace, tried: Sequence[str]) -> list[tuple[str, str]]:
    """Names with what to say of each: those of the pipeline first, then those that were not tried."""
    return await asyncio.to_thread(_to_choose, workspace, tuple(tried))


def _to_choose(workspace: Workspace, tried: Sequence[str]) -> list[tuple[str, str]]:
    from bocr_tui.config.engines import engine_specs
    from bocr_tui.config.errors import BocrError
    from bocr_worker.engines.registry import all_engines

    try:
        config = workspace.config
        specs = engine_specs(config)
        stages = [stage if isinstance(stage, str) else stage.engine for stage in config.pipeline]
    except BocrError:
        specs, stages = all_engines(), []
    times = Counter(tried)
    names = [*dict.fromkeys(name for name in stages if name in specs)]
    names += sorted((name for name in specs if name not in names), key=lambda name: (times[name] > 0, name))
    return [(name, _said(name, specs[name].title, times[name])) for name in names if name != "noop"]


def _said(name: str, title: str, times: int) -> str:
    tried = f"  tried {times}×" if times else ""
    return f"{name}{tried}  {title if title != name else ''}".rstrip()
