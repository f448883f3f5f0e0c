"""A workspace: a folder with `bocr.toml` and `catalog.db`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bocr_tui.config.errors import UsageError

if TYPE_CHECKING:
    from bocr_tui.config.model import Config

CONFIG_NAME = "bocr.toml"
CATALOG_NAME = "catalog.db"
DEFAULT_FOLDER = "bocr-workspace"
"""Where `bocr run` makes a workspace when there is none; found again from the folder it lies in."""

DEMO_FOLDER = "demo-workspace"
"""Where `bocr demo` makes one."""

MOST_LOOKED_AT = 2000
"""Entries of a folder that are looked at for workspaces: a folder of scans may hold a million."""

FIRST_CONFIG = """\
# A bocr workspace. Every setting has a default; docs/configuration.md names them all.
# languages = ["fr", "ar"]
# pipeline = ["rapidocr", "tesseract"]

# [[language_rules]]
# root = "scans/arabic"
# language = "ar"
"""


@dataclass(frozen=True)
class Workspace:
    """Paths of one workspace; nothing is opened here. The configuration is read when first asked for."""

    root: Path

    @property
    def config_path(self) -> Path:
        return self.root / CONFIG_NAME

    @property
    def catalog_path(self) -> Path:
        return self.root / CATALOG_NAME

    @property
    def results(self) -> Path:
        """Results mirrored from the sites: `results/<token>/<results file>`."""
        return self.root / "results"

    @cached_property
    def config(self) -> Config:
        from bocr_tui.config.model import load_config

        return load_config(self.config_path)

    def read_again(self) -> Config:
        """The configuration as the file says it now, for whatever asks from here on. Raises ConfigError, and
        what was read before stays."""
        from bocr_tui.config.model import load_config

        found = load_config(self.config_path)
        self.__dict__["config"] = found
        return found


def make_workspace(root: Path) -> Workspace:
    """Make the folder and its bocr.toml; what is there already is left as it is."""
    root.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(root.resolve())
    if not workspace.config_path.exists():
        workspace.config_path.write_text(FIRST_CONFIG, encoding="utf-8")
    return workspace


def find_workspace(start: Path | None = None, named: Path | None = None) -> Workspace | None:
    """The workspace named, or of $BOCR_WORKSPACE, or of `start` (the current folder) or one of its parents,
    or the `bocr-workspace` folder in `start`. None when there is none.

    Raises UsageError when the one that was named is none.
    """
    chosen = named or (Path(os.environ["BOCR_WORKSPACE"]) if os.environ.get("BOCR_WORKSPACE") else None)
    if chosen is not None:
        if not (chosen / CONFIG_NAME).is_file():
            raise UsageError(
                f"{chosen} is no workspace: it has no {CONFIG_NAME}.", f"Run `bocr init {chosen}`."
            )
        return Workspace(chosen.resolve())
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return Workspace(folder)
    beside = here / DEFAULT_FOLDER
    return Workspace(beside) if (beside / CONFIG_NAME).is_file() else None


def workspaces_in(folder: Path) -> list[Path]:
    """The workspaces that lie right in a folder, the demo's first and then by name; none where it cannot be
    read. Of a very large folder only a part is looked at."""
    try:
        with os.scandir(folder) as entries:
            folders = [folder / entry.name for entry in islice(entries, MOST_LOOKED_AT) if entry.is_dir()]
        found = [path for path in folders if (path / CONFIG_NAME).is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda path: (path.name != DEMO_FOLDER, path.name))
