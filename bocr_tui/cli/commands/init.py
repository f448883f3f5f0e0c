"""`bocr init`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bocr_tui.cli.call import JsonOption, WorkspaceOption, call_of
from bocr_tui.cli.output import safe, say, write_json


def init(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Argument(help="Where; this folder if none is named.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: a folder with bocr.toml and the catalog. What is there already stays as it is."""
    from bocr_tui.catalog.database import open_catalog
    from bocr_tui.config.workspace import make_workspace

    call = call_of(context)
    made = make_workspace(folder or call.workspace or Path())
    open_catalog(made.catalog_path).close()
    if call.json:
        write_json({"workspace": str(made.root)})
    else:
        say(f"{safe(made.root)} is a workspace. Next: bocr import FOLDER, or bocr run FOLDER.")
