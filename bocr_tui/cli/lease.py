"""Who drives a workspace, told without the libraries that driving needs."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bocr_tui.catalog.lists import Reader


def driver_of(reader: Reader) -> dict[str, Any] | None:
    """Who holds the driver's lease; None when nobody does, or a process of this machine that is gone."""
    from bocr_tui.sites.helper.become import process_birth

    held = reader.setting("driver")
    holder = json.loads(held) if held else None
    if not isinstance(holder, dict):
        return None
    if holder.get("host") == socket.gethostname() and process_birth(holder["pid"]) != holder.get("born"):
        return None
    return {"pid": holder["pid"], "host": holder["host"], "age_s": max(0.0, time.time() - holder["at"])}
