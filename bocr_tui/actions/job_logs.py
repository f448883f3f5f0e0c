"""Where a job's logs lie in the workspace once the driver has fetched them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bocr_tui.control.logs import LOGS
from bocr_tui.report.log_file import LogFile

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace


def job_log(workspace: Workspace, token: str, name: str) -> LogFile:
    """The mirror of one of a job's logs. It may begin in the middle: what is far back is not fetched."""
    path = workspace.root / LOGS / token / name
    return LogFile(path, path.with_name(name + ".from"))
