"""The pipeline of a chain: its stages' settings, resolved once when it is ordered and kept with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bocr_tui.config.engine_options import check_options
from bocr_tui.config.engines import (
    configured_stages,
    definition_of,
    engine_specs,
    ladder_name,
    option_tables,
    options_of,
)
from bocr_tui.config.errors import ConfigError
from bocr_tui.config.explaining import nearest
from bocr_tui.config.model import Config, SiteConfig, SplitConfig, StageConfig
from bocr_worker.engines.base import EngineSpec
from bocr_worker.ladder import LadderError, Overrides, early_rungs, parse_ladder, rungs
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder, Limits, Variation

SPLIT = "split"
"""The stage that draws pages and reads none."""


@dataclass(frozen=True)
class StagePlan:
    """One stage as its manifest will say it. The last stage has the whole `ladder`; an earlier one leaves
    what failed to the next, once a model was asked anew."""

    engine: EngineOrder
    first: tuple[Variation, ...]
    ladder: dict[FailureClass, tuple[Variation, ...]]


@dataclass(frozen=True)
class Pipeline:
    """`chained`: the site's scheduler takes a chain's jobs together, each waiting for the one before. `pbs`:
    settings that the chain's order asked for in place of the site's."""

    stages: tuple[StagePlan, ...]
    languages: tuple[str, ...]
    limits: Limits
    chained: bool = False
    pbs: Mapping[str, str] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """As JSON, for the chain's row."""
        return {
            "languages": list(self.languages),
            "limits": asdict(self.limits),
            "chained": self.chained,
            "pbs": dict(self.pbs),
            "stages": [
                {
                    "engine": asdict(stage.engine),
                    "first": [asdict(variation) for variation in stage.first],
                    "ladder": {
                        str(failure): [asdict(variation) for variation in variations]
                        for failure, variations in stage.ladder.items()
                    },
                }
                for stage in self.stages
            ],
        }

    @classmethod
    def load(cls, record: dict[str, Any]) -> Pipeline:
        """What `dump` wrote."""
        return cls(
            languages=tuple(record["languages"]),
            limits=Limits(**record["limits"]),
            chained=bool(record.get("chained")),
            pbs={str(name): str(value) for name, value in (record.get("pbs") or {}).items()},
            stages=tuple(
                StagePlan(
                    engine=EngineOrder(**stage["engine"]),
                    first=tuple(_variation(item) for item in stage["first"]),
                    ladder={
                        FailureClass(name): tuple(_variation(item) for item in items)
                        for name, items in stage["ladder"].items()
                    },
                )
                for stage in record["stages"]
            ),
        )


def _variation(item: dict[str, Any]) -> Variation:
    return Variation(item["name"], item["dpi"], tuple(item["preparations"]), dict(item["options"]))


def build_pipeline(config: Config, engine: str | None = None, site: str | None = None) -> Pipeline:
    """The pipeline configured for a site (None: the default one), or `engine` alone. Raises ConfigError for
    engines or ladders that do not exist, and for engine options that cannot be meant."""
    place = config.sites.get(site or config.site) or SiteConfig()
    wanted = [StageConfig(engine=engine)] if engine else configured_stages(config, place)
    specs = engine_specs(config)
    for stage in wanted:
        if stage.engine not in specs:
            raise _no_engine(stage.engine, specs)
    try:
        overrides = parse_ladder(config.ladder, tuple(specs))
    except LadderError as error:
        raise ConfigError(f"bocr.toml, [ladder]: {error}", "See docs/configuration.md.") from None
    stages: list[StagePlan] = []
    for number, stage in enumerate(wanted, 1):
        ladder = _ladder(config, specs[stage.engine], overrides, is_last=number == len(wanted))
        first = rungs(stage.engine, None, overrides) or (Variation(),)
        order = _engine_order(config, stage, place, specs[stage.engine])
        said = f"stage {number} of the pipeline"
        tables = [
            (f"{said}, options", stage.options),
            (f"the site's environment of {stage.engine},", _model_of(place, stage.engine)),
            *option_tables(config, stage.engine),
        ]
        rest = [*first, *(variation for variations in ladder.values() for variation in variations)]
        check_options(specs[stage.engine], order, rest, said, tables)
        stages.append(StagePlan(order, first, ladder))
    if place.split is not None:
        stages.insert(0, _split_stage(place.split, stages[0], specs))
    return Pipeline(tuple(stages), config.languages, _limits(config), place.scheduler != "direct")


def _no_engine(name: str, specs: Mapping[str, EngineSpec]) -> ConfigError:
    near = nearest(name, tuple(specs))
    step = f"Did you mean {near}?" if near else f"Known: {', '.join(sorted(specs))}."
    return ConfigError(f"There is no engine of this name: {name}.", step)


def _ladder(
    config: Config, spec: EngineSpec, overrides: Overrides, *, is_last: bool
) -> dict[FailureClass, tuple[Variation, ...]]:
    """An engine of the configuration has the ladder of the one that it is based on, but what [ladder] says
    of it by its own name."""
    based_on = ladder_name(config, spec.name)
    said = {based_on: {**overrides.get(based_on, {}), **overrides.get(spec.name, {})}}
    offered = rungs if is_last else early_rungs
    found = {failure: offered(based_on, failure, said, spec) for failure in FailureClass}
    return found if is_last else {failure: variations for failure, variations in found.items() if variations}


def _engine_order(config: Config, stage: StageConfig, place: SiteConfig, spec: EngineSpec) -> EngineOrder:
    return EngineOrder(
        name=stage.engine,
        runtime=stage.runtime or spec.runtime,
        processes=stage.processes,
        threads=stage.threads,
        options={**options_of(config, stage.engine), **_model_of(place, stage.engine), **stage.options},
        definition=definition_of(config, stage.engine),
    )


def _model_of(place: SiteConfig, engine: str) -> dict[str, str]:
    """The weights that the site's environment names, as an option."""
    environment = place.environments.get(engine)
    return {"model": environment.model} if environment is not None and environment.model else {}


def _split_stage(split: SplitConfig, reader: StagePlan, specs: Mapping[str, EngineSpec]) -> StagePlan:
    """What draws the pages for `reader`, at the resolution that it reads at first."""
    dpi = split.dpi or reader.first[0].dpi or specs[reader.engine.name].dpi
    return StagePlan(EngineOrder(name=SPLIT, options={"dpi": dpi}), (Variation(),), {})


def _limits(config: Config) -> Limits:
    limits = config.limits
    return Limits(
        render_deadline_s=limits.render_deadline_s,
        render_memory_bytes=limits.render_memory_mb * 1024 * 1024,
        max_pixels=int(limits.max_megapixels * 1e6),
        engine_deadline_s=limits.engine_deadline_s,
        max_attempts=limits.attempts,
    )
