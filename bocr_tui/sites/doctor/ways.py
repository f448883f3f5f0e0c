"""How the models of a site's stages are run there: by which runtime, and whether a job starts it itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bocr_tui.config.engines import engine_specs, options_of
from bocr_tui.config.model import Config, SiteConfig, StageConfig

if TYPE_CHECKING:
    from bocr_worker.engines.base import EngineSpec
    from bocr_worker.engines.vision.base import VisionEngine


@dataclass(frozen=True)
class Way:
    """`server`: what is asked instead of a server that the job starts from its own environment, in words, or
    empty. `model`: the folder or name that is configured, empty for the engine's own name. `trusts_code`: the
    code beside the weights may be run."""

    vision: VisionEngine
    runtime: str
    server: str = ""
    model: str = ""
    trusts_code: bool = False


Ways = Mapping[str, tuple[Way, ...]]
"""By engine; none for one that is no model."""


def ways_of(config: Config, site_name: str) -> Ways:
    """Of the stages of a site's pipeline, and of the engines that the site has environments for. Raises
    ConfigError for an engine that cannot be meant."""
    site, specs = config.sites[site_name], engine_specs(config)
    found: dict[str, tuple[Way, ...]] = {}
    for stage in _stages(config, site):
        spec = specs.get(stage.engine)
        if spec is None or spec.vision is None:
            continue
        way = _way(config, site, stage, spec, spec.vision)
        before = found.get(stage.engine, ())
        found[stage.engine] = before if way in before else (*before, way)
    return found


def _stages(config: Config, site: SiteConfig) -> Iterator[StageConfig]:
    named = set()
    for stage in site.pipeline or config.pipeline:
        one = StageConfig(engine=stage) if isinstance(stage, str) else stage
        named.add(one.engine)
        yield one
    yield from (StageConfig(engine=engine) for engine in site.environments if engine not in named)


def _way(config: Config, site: SiteConfig, stage: StageConfig, spec: EngineSpec, vision: VisionEngine) -> Way:
    environment = site.environments.get(stage.engine)
    of_place = {"model": environment.model} if environment is not None and environment.model else {}
    options: dict[str, Any] = {**options_of(config, stage.engine), **of_place, **stage.options}
    server = ""
    if options.get("url"):
        server = "a server that runs already"
    elif options.get("command"):
        server = "a server that a command of your own starts"
    return Way(
        vision=vision,
        runtime=stage.runtime or spec.runtime,
        server=server,
        model=str(options.get("model", "")),
        trusts_code=options.get("trust_remote_code") is True,
    )
