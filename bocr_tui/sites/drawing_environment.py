"""In which of a site's environments documents are looked at and pages drawn, on its login node."""

from __future__ import annotations

from bocr_tui.config.model import Config, SiteConfig
from bocr_tui.sites.environments import SPLIT

PLAIN = "plain"
"""No engine: the site's own Python."""


def drawing_engine(config: Config, site: SiteConfig) -> str:
    """The name under which the environment is known: the split stage's, or that of the first engine of the
    pipeline that has one, or the site's Python."""
    if site.split is not None:
        return SPLIT
    for stage in site.pipeline or config.pipeline:
        name = stage if isinstance(stage, str) else stage.engine
        if name in site.environments:
            return name
    return PLAIN
