"""What bocr.toml says of each site, as far as the panel shows it. Read in a thread: pydantic is slow to
load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_tui.config.errors import ConfigError

if TYPE_CHECKING:
    from bocr_tui.config.model import SiteConfig
    from bocr_tui.config.workspace import Workspace


@dataclass(frozen=True)
class SiteFacts:
    """One configured site in words. `far`: another machine, or a scheduler that others use too."""

    name: str
    where: str
    scheduler: str
    root: str
    documents: str
    far: bool
    chosen: bool
    """Work goes here when no site is named."""


def site_facts(workspace: Workspace) -> dict[str, SiteFacts]:
    """By name; none where bocr.toml cannot be read, which whoever acts on it says."""
    try:
        config = workspace.config
    except ConfigError:
        return {}
    return {name: _facts(name, site, name == config.site) for name, site in config.sites.items()}


def _facts(name: str, site: SiteConfig, chosen: bool) -> SiteFacts:
    over_ssh, by_pbs = site.transport == "ssh", site.scheduler == "pbs"
    user = f"{site.user}@" if site.user else ""
    queue = f", queue {site.pbs.queue}" if by_pbs and site.pbs.queue else ""
    limit = f"{site.max_queued} jobs at once" if by_pbs else f"{site.slots} at once"
    return SiteFacts(
        name,
        where=f"{user}{site.host}" if over_ssh else "this machine",
        scheduler=f"{'PBS' if by_pbs else 'processes'}{queue}, {limit}",
        root=site.root,
        documents="in place" if not over_ssh or site.documents == "in_place" else "uploaded",
        far=over_ssh or by_pbs,
        chosen=chosen,
    )
