"""The engines of a workspace: the worker's own, and those that `[engines.<name>]` of bocr.toml makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bocr_tui.config.errors import ConfigError

if TYPE_CHECKING:
    from bocr_tui.config.model import Config, EngineConfig, SiteConfig, StageConfig
    from bocr_worker.engines.base import EngineSpec

DEFAULT_FIRST, DEFAULT_RECOVERY = "rapidocr", "tesseract"


def engine_specs(config: Config) -> dict[str, EngineSpec]:
    """By name. Raises ConfigError for a definition that cannot be meant."""
    from bocr_worker.engines.registry import all_engines
    from bocr_worker.engines.vision.defined import DefinitionError, define

    specs = dict(all_engines())
    for name in config.engines:
        record = definition_of(config, name)
        if not record and name in all_engines():
            continue  # nothing but options for an engine that there is
        try:
            specs[name] = define(name, record, all_engines())
        except DefinitionError as error:
            raise ConfigError(f"bocr.toml, [engines]: {error}", "See docs/engines.md.") from None
    return specs


def definition_of(config: Config, name: str) -> dict[str, Any]:
    """What the manifest says of an engine; empty for one that the worker knows by itself. Complete: what it
    takes from another engine of this file is in it, and `based_on` is one of the worker's own."""
    definition: dict[str, Any] = {}
    line = _line(config, name)
    for place, said in enumerate(reversed(line), 1):
        record = _record(said)
        if place < len(line):
            record.pop("title", None)
        sampling = {**definition.get("sampling", {}), **record.get("sampling", {})}
        definition = {**definition, **record, **({"sampling": sampling} if sampling else {})}
    if line and line[-1].based_on:
        definition["based_on"] = line[-1].based_on
    elif len(line) > 1:
        definition["based_on"] = line[-2].based_on
    return definition


def options_of(config: Config, name: str) -> dict[str, Any]:
    """The engine's options in all stages; a stage's own come on top."""
    options: dict[str, Any] = {}
    for said in reversed(_line(config, name)):
        options.update(said.options)
    return options


def option_tables(config: Config, name: str) -> list[tuple[str, dict[str, Any]]]:
    """The tables that `options_of` takes the options from, by name; the one that wins first."""
    names = [name, *(said.based_on for said in _line(config, name))]
    return [
        (f"[engines.{each}.options]", said.options)
        for each, said in zip(names, _line(config, name), strict=False)
    ]


def ladder_name(config: Config, name: str) -> str:
    """Whose default ladder an engine has: that of the engine which it is based on."""
    return str(definition_of(config, name).get("based_on") or name)


def _line(config: Config, name: str) -> list[EngineConfig]:
    """The engine's table, that of the one which it is based on, and so on, as far as this file has them."""
    line: list[EngineConfig] = []
    seen: set[str] = set()
    while name in config.engines and name not in seen:
        seen.add(name)
        line.append(config.engines[name])
        name = line[-1].based_on
    return line


def _record(said: EngineConfig) -> dict[str, Any]:
    record: dict[str, Any] = said.model_dump(exclude_defaults=True, exclude={"options", "max_megapixels"})
    if said.max_megapixels:
        record["max_pixels"] = int(said.max_megapixels * 1e6)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in record.items()}


def configured_stages(config: Config, site: SiteConfig | None = None) -> list[StageConfig]:
    """The stages that bocr.toml names for a site, or the embedded default for this machine."""
    from bocr_tui.config.model import StageConfig
    from bocr_worker.engines.registry import all_engines

    named = (site.pipeline if site is not None else ()) or config.pipeline
    if named:
        return [StageConfig(engine=s) if isinstance(s, str) else s for s in named]
    recovery = all_engines().get(DEFAULT_RECOVERY)
    usable = recovery is not None and recovery.check() is None
    return [
        StageConfig(engine=DEFAULT_FIRST),
        StageConfig(engine=DEFAULT_RECOVERY if usable else DEFAULT_FIRST),
    ]
