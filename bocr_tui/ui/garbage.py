"""When Python looks for garbage in the panel's process: seldom, and not among what was loaded to stay.

A look through everything takes a tenth of a second with the libraries of panel and driver loaded, in
whichever thread it begins, and nothing is drawn meanwhile.
"""

from __future__ import annotations

import gc
import threading

FREEZE_AFTER_S = (4.0, 12.0, 45.0)
"""When the screens are loaded; when the driver's libraries are, here and on a slower machine."""

THRESHOLDS = (1_000, 10, 200)
"""Objects made before the youngest are looked through, and how often that happens before older ones are: a
look through ten thousand takes some milliseconds, and the oldest are left alone for long. Python's own are
700, 10, 10."""


def look_seldom() -> None:
    """Set the pace; what is there at each moment of FREEZE_AFTER_S is never looked through again."""
    gc.set_threshold(*THRESHOLDS)
    for after_s in FREEZE_AFTER_S:
        timer = threading.Timer(after_s, gc.freeze)
        timer.daemon = True
        timer.start()
