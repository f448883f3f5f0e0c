"""Whether an engine can run where the panel does, as far as that is known without a job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bocr_tui.config.engines import engine_specs, options_of
from bocr_tui.config.errors import UsageError
from bocr_tui.config.model import Config
from bocr_worker.engines.vision.spec import missing_for

NEEDS_GPU = "needs a site with a GPU"


@dataclass(frozen=True)
class Unfit:
    """Why an engine cannot run on a site: in a few words, in a sentence, and what would help."""

    words: str
    cause: str
    next_step: str


def unfit(config: Config, site: str, engines: Iterable[str]) -> dict[str, Unfit]:
    """Those of the engines that cannot run on the site.

    Only a site of this machine whose jobs use the panel's own Python is known without asking; what has an
    environment or a server of its own is trusted. May start programs: not for the loop that draws. Raises
    ConfigError.
    """
    place = config.sites.get(site)
    if place is None or (place.transport, place.scheduler) != ("local", "direct"):
        return {}
    if place.python or place.setup:
        return {}
    specs, found = engine_specs(config), {}
    for name in engines:
        spec = specs.get(name)
        if spec is None or name in place.environments or _has_server(config, name):
            continue
        # Not by its own check, which loads its package: tens of megabytes and half a second.
        missing = spec.check() if spec.vision is None else missing_for(name, spec.vision)
        if missing is not None:
            words = NEEDS_GPU if spec.vision is not None else missing.cause
            found[name] = Unfit(words, f"{name} cannot run on {site}: {missing.cause}.", missing.needs)
    return found


def check_fit(config: Config, site: str, engines: Iterable[str]) -> None:
    """Raises UsageError for the first engine that is known not to run there, ConfigError as `unfit` does."""
    for why in unfit(config, site, engines).values():
        raise UsageError(why.cause, why.next_step)


def _has_server(config: Config, name: str) -> bool:
    """Whether some server is asked, wherever that runs."""
    stages = (stage for stage in config.pipeline if not isinstance(stage, str) and stage.engine == name)
    return "url" in options_of(config, name) or any("url" in stage.options for stage in stages)
