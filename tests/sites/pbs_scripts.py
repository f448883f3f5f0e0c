"""A site with PBS, and the job script that is made for it."""

from __future__ import annotations

import sys

from bocr_tui.config.model import SiteConfig
from bocr_tui.sites.scheduler.base import ScriptOrder
from bocr_tui.sites.scheduler.pbs.script import render_script

TOKEN = "bscript1"


def site(**settings: object) -> SiteConfig:
    return SiteConfig.model_validate({"scheduler": "pbs", "python": sys.executable, **settings})


def script(config: SiteConfig, *, engine: str = "noop", vendor: str = "", token: str = TOKEN) -> str:
    return render_script(ScriptOrder(token, engine, "workers/0a1b", config, vendor), ()).decode()
