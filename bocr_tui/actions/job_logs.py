"""Where a job's logs lie: on a site of this machine as the job writes them, else as they were fetched."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bocr_tui.config.errors import ConfigError
from bocr_tui.control.logs import LOGS
from bocr_tui.report.log_file import LogFile

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace


@dataclass(frozen=True)
class JobLog:
    """One log. `file` is what can be read here; `written` is where the job writes it, with the machine before
    it where that is another one, and empty for a site that is not configured any more.

    `in_place`: both are the same file, so nothing needs to be fetched.
    """

    file: LogFile
    written: str
    in_place: bool = False

    @property
    def shown(self) -> str:
        """The file that is read here."""
        return os.fspath(self.file.path)


def job_log(workspace: Workspace, site: str, token: str, name: str) -> JobLog:
    """One of a job's logs. A mirror may begin in the middle: what is far back is not fetched. Reads bocr.toml
    where that was not read before."""
    path = workspace.root / LOGS / token / name
    mirror = LogFile(path, path.with_name(name + ".from"))
    try:
        config = workspace.config.sites.get(site)
    except ConfigError:
        config = None
    if config is None:
        return JobLog(mirror, "")
    run = f"runs/{token}/{name}"
    if config.transport != "local":
        return JobLog(mirror, f"{config.host}:{config.root.rstrip('/')}/{run}")
    from bocr_tui.sites.site import site_root

    there = site_root(workspace, config) / run
    if there.parent.is_dir():
        return JobLog(LogFile(there), os.fspath(there), in_place=True)
    return JobLog(mirror, os.fspath(there))
