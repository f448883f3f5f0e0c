"""What a person asks for beside bocr.toml: another site, other engines, another queue, for one order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from bocr_tui.config.engines import configured_stages
from bocr_tui.config.errors import UsageError
from bocr_tui.config.explaining import explain
from bocr_tui.config.model import Config, PbsConfig, SiteConfig, StageConfig
from bocr_tui.control.pipeline import SPLIT, build_pipeline


@dataclass(frozen=True)
class Wishes:
    """None and empty: as configured. `stages` are engines, one a stage; an engine that the configuration has
    in the same stage keeps its settings."""

    site: str | None = None
    stages: tuple[str, ...] = ()
    queue: str | None = None
    walltime: str | None = None

    @property
    def pbs(self) -> dict[str, str]:
        """What the jobs of an order ask for in place of the site's settings; kept with its chain."""
        asked = {"queue": self.queue, "walltime": self.walltime}
        return {name: value for name, value in asked.items() if value is not None}


def wished(config: Config, wishes: Wishes) -> Config:
    """The configuration as this order sees it: its `site` is the one that is meant, and `pipeline` that
    site's. Raises UsageError, ConfigError for what does not exist or does not fit."""
    name = wishes.site or config.site
    site = config.sites.get(name)
    if site is None:
        raise UsageError(f"There is no site {name}.", f"Sites: {', '.join(sorted(config.sites))}.")
    configured = configured_stages(config, site)
    stages = tuple(_stage(engine, number, configured) for number, engine in enumerate(wishes.stages))
    if wishes.pbs and site.scheduler != "pbs":
        raise UsageError(f"Site {name} has no queues and no walltime.", "Ask for them on a site with PBS.")
    site = with_pbs(site, wishes.pbs).model_copy(update={"pipeline": stages or tuple(configured)})
    made = config.model_copy(
        update={"site": name, "pipeline": site.pipeline, "sites": {**config.sites, name: site}}
    )
    build_pipeline(made, site=name)
    return made


def _stage(engine: str, number: int, configured: list[StageConfig]) -> StageConfig:
    same = number < len(configured) and configured[number].engine == engine
    return configured[number] if same else StageConfig(engine=engine)


def with_pbs(site: SiteConfig, asked: Mapping[str, str]) -> SiteConfig:
    """The site whose reading jobs ask PBS for this instead, whatever their environments say; the job that
    only draws pages keeps its own. Raises ConfigError for a value that PBS would not take."""
    if not asked:
        return site
    environments = {
        engine: each if each.pbs is None else each.model_copy(update={"pbs": _asking(each.pbs, asked)})
        for engine, each in site.environments.items()
    }
    return site.model_copy(update={"pbs": _asking(site.pbs, asked), "environments": environments})


def _asking(pbs: PbsConfig, asked: Mapping[str, str]) -> PbsConfig:
    try:
        return PbsConfig.model_validate({**pbs.model_dump(), **asked})
    except ValidationError as error:
        raise explain(error, PbsConfig, "This order") from None


def pbs_of(site: SiteConfig, engine: str) -> PbsConfig:
    """What a job with this engine asks PBS for."""
    if engine == SPLIT and site.split is not None:
        return site.split.pbs
    environment = site.environments.get(engine)
    return (environment.pbs if environment is not None else None) or site.pbs


def gpus_of(site: SiteConfig, engine: str) -> int | None:
    """GPUs that a job with this engine asks for by its `select`; None where nothing says how many."""
    if site.scheduler != "pbs":
        return None
    select = pbs_of(site, engine).select
    if not select:
        return None
    return sum(_gpus_in(chunk) for chunk in select.split("+"))


def _gpus_in(chunk: str) -> int:
    """Of one chunk of a select statement: `2:ncpus=20:ngpus=1` asks for two."""
    first, *resources = chunk.split(":")
    many = int(first) if first.isdigit() else 1
    asked = [word.partition("=")[2] for word in (first, *resources) if word.startswith("ngpus=")]
    return many * sum(int(value) for value in asked if value.isdigit())


def known_engines() -> list[str]:
    """The engines there are, by name."""
    from bocr_worker.engines.registry import all_engines

    return sorted(all_engines())
