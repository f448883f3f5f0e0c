"""The scheduler PBS."""

from __future__ import annotations

from pathlib import Path

from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.scheduler.direct import DirectScheduler
from bocr_tui.sites.transport.base import Transport


class PbsScheduler(DirectScheduler):
    """Asks PBS through the site's helper."""

    def __init__(self, transport: Transport, config: SiteConfig, templates: tuple[Path, ...] = ()) -> None:
        super().__init__(transport, templates)
        self._config = config
