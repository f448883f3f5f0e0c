"""A workspace with one planned page, for a site that there really is."""

from __future__ import annotations

import sys
from pathlib import Path

from bocr_tui.actions.action import Options
from bocr_tui.catalog.database import open_catalog
from bocr_tui.cli.acting import act
from bocr_tui.config.workspace import Workspace, make_workspace
from tests.cli.test_run import make_pdf


def planned_page(folder: Path, root: str, *, reads_s: float, every_s: float, port: int = 0) -> Workspace:
    """Its site `far` is over SSH, its files lie at `root` there; the page takes `reads_s` seconds to read,
    and the site is asked every `every_s` seconds. `port` 0: the one that ssh takes by itself."""
    workspace = make_workspace(folder / "workspace")
    workspace.config_path.write_text(
        'site = "far"\n[[pipeline]]\nengine = "noop"\nprocesses = 1\n'
        f"options = {{ sleep_s = {reads_s:g} }}\n"
        '[sites.far]\ntransport = "ssh"\nhost = "loopback"\n'
        + (f"port = {port}\n" if port else "")
        + f'root = "{root}"\npython = "{sys.executable}"\npoll_s = {every_s}\nlook_s = {every_s}\n',
        encoding="utf-8",
    )
    make_pdf(folder / "loi.pdf")
    open_catalog(workspace.catalog_path).close()
    act(workspace, "workspace.import", options=Options(paths=(folder / "loi.pdf",)))
    act(workspace, "workspace.plan")
    return workspace
