"""A site: a transport, a scheduler and a root, built from its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bocr_tui.config.errors import ConfigError
from bocr_tui.config.model import SiteConfig
from bocr_tui.config.workspace import Workspace
from bocr_tui.sites.scheduler.base import Scheduler
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.transport.base import Transport
from bocr_tui.sites.transport.local import LocalTransport

LOCAL_POLL_S = 0.4
"""Reading a few local files costs nothing worth saving."""


@dataclass(frozen=True)
class Site:
    """`poll_s` is how often journals are read, `look_s` how often the scheduler is asked."""

    name: str
    config: SiteConfig
    transport: Transport
    scheduler: Scheduler
    poll_s: float
    look_s: float


def open_site(workspace: Workspace, name: str) -> Site:
    """Raises ConfigError for a site that is not configured. Nothing is connected yet."""
    config = workspace.config.sites.get(name)
    if config is None:
        known = ", ".join(sorted(workspace.config.sites)) or "none"
        raise ConfigError(f"There is no site {name}.", f"Sites in bocr.toml: {known}.")
    root = site_root(workspace, config)
    transport = LocalTransport(root)
    templates = (workspace.root / "job_templates",)
    return Site(
        name, config, transport, DirectScheduler(transport, templates), LOCAL_POLL_S, LOCAL_POLL_S * 2
    )


def site_root(workspace: Workspace, config: SiteConfig) -> Path:
    """The folder of a site on this machine."""
    return workspace.root / config.root
