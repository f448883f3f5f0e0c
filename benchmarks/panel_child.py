"""The panel over a workspace that nothing drives, as a program: `python -m benchmarks.panel_child FOLDER`.
With `JOB SECONDS REPORT` that job's pages come in beside it."""

from __future__ import annotations

import sys
from pathlib import Path

from bocr_tui.config.workspace import Workspace
from bocr_tui.ui.app import run_panel

if __name__ == "__main__":
    workspace = Workspace(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        from benchmarks.panel_ingest import feed_beside

        feed_beside(workspace, int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
    run_panel(workspace, drive=False)
