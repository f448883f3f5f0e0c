"""What bocr.toml says of the panel, read before the first frame: without pydantic, and without complaint.

The whole file is checked when the first action or the driver needs it; what is wrong in it is told then.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomllib

if TYPE_CHECKING:
    from bocr_tui.config.workspace import Workspace
    from bocr_tui.ui.keymap import Keymap


@dataclass(frozen=True)
class PanelSettings:
    """`theme` and `keymap` are empty where nothing is said; see config/model.py, PanelConfig."""

    theme: str = ""
    keymap: str = ""
    read_only: bool = False


def read_panel_settings(workspace: Workspace) -> PanelSettings:
    """What of the table `[panel]` can be read; what cannot is as if it were not there."""
    try:
        said: Any = tomllib.loads(workspace.config_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return PanelSettings()
    table = said.get("panel")
    if not isinstance(table, dict):
        return PanelSettings()
    theme, keymap = table.get("theme"), table.get("keymap")
    return PanelSettings(
        theme if isinstance(theme, str) else "",
        keymap if isinstance(keymap, str) else "",
        table.get("read_only") is True,
    )


def keymap_files(workspace: Workspace, settings: PanelSettings) -> tuple[Path, ...]:
    """The files of keys, the weakest first: the person's own, then the workspace's."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    named = Path(settings.keymap).expanduser() if settings.keymap else Path("keys.toml")
    return (home / "bocr" / "keys.toml", workspace.root / named)


def panel_keymap(workspace: Workspace, settings: PanelSettings) -> Keymap:
    """The person's own keys. Imports every screen when there is a file: not for the loop that draws."""
    from bocr_tui.ui.keymap import Keymap, read_keymap

    files = [path for path in keymap_files(workspace, settings) if path.is_file()]
    if not files:
        return Keymap()
    from bocr_tui.ui.known_keys import known_keys

    return read_keymap(files, known_keys())
