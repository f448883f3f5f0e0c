"""Whether the panel is in a browser."""

from __future__ import annotations

import os


def served() -> bool:
    """Whether textual-serve started this process, which takes the place of the terminal."""
    return os.environ.get("TEXTUAL_DRIVER", "").startswith("textual.drivers.web_driver")
