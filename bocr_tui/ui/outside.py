"""Opening a page's image in whatever shows images on this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


def viewer() -> str | None:
    """The command that opens a file in a window; None where there are no windows (a login node, say)."""
    if sys.platform == "darwin":
        return shutil.which("open")
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return None
    return shutil.which("xdg-open")


def write_png(image: Image, name: str, page: int) -> Path:
    """Write the image to a folder of its own among the temporary files. Raises OSError."""
    stem = re.sub(r"[^\w.-]+", "_", Path(name).stem)[:40] or "page"
    path = Path(tempfile.mkdtemp(prefix="bocr-")) / f"{stem}-p{page}.png"
    image.save(path)
    return path


def open_outside(path: Path) -> bool:
    """Start the viewer and leave it alone; False where there is none or it does not start."""
    command = viewer()
    if command is None:
        return False
    try:
        subprocess.Popen(
            [command, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return False
    return True
