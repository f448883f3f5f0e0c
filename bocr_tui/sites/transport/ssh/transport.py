"""The transport over SSH."""

from __future__ import annotations

from pathlib import Path

from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.asking import Asker
from bocr_tui.sites.transport.local import LocalTransport


class SshTransport(LocalTransport):
    """Runs the site's helper on the login node."""

    def __init__(self, site: str, config: SiteConfig, asker: Asker, command_log: Path) -> None:
        super().__init__(Path(config.root))
        self.site, self.asker, self.command_log = site, asker, command_log
