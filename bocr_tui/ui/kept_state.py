"""What the panel remembers of a workspace from one time to the next: a small file beside the catalog.

It holds nothing that cannot be lost: a file that is damaged, of another version or not ours is as if there
were none. It is written aside and renamed, so that it is whole or the one before.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE_NAME = "panel.json"
VERSION = 1
MOST_BYTES = 256 * 1024
"""A file larger than this was not written by us."""


@dataclass
class KeptState:
    """`screens` is by place what each screen remembers. `theme` is what was chosen while `configured_theme`
    stood in bocr.toml: a theme written there later wins."""

    place: str = ""
    theme: str = ""
    configured_theme: str = ""
    screens: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_state(root: Path) -> KeptState:
    """What was kept; nothing when there is no file that can be trusted to be ours."""
    try:
        path = root / FILE_NAME
        if path.stat().st_size > MOST_BYTES:
            return KeptState()
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return KeptState()
    if not isinstance(said, dict) or said.get("version") != VERSION:
        return KeptState()
    screens = said.get("screens")
    texts = {name: said[name] for name in ("place", "theme", "configured_theme") if _is_text(said.get(name))}
    kept = screens.items() if isinstance(screens, dict) else ()
    return KeptState(**texts, screens={name: each for name, each in kept if isinstance(each, dict)})


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def write_state(root: Path, state: KeptState) -> bool:
    """False when it cannot be written: then the next start begins afresh, which is no trouble to tell."""
    path, aside = root / FILE_NAME, root / f".{FILE_NAME}.{os.getpid()}"
    try:
        text = json.dumps({"version": VERSION, **vars(state)}, ensure_ascii=False, sort_keys=True, indent=1)
        if len(text.encode()) > MOST_BYTES:
            return False
        aside.write_text(text + "\n", encoding="utf-8")
        aside.replace(path)
    except (OSError, TypeError, ValueError):
        with contextlib.suppress(OSError):
            aside.unlink()
        return False
    return True
