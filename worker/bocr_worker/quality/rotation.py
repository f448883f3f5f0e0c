"""The page lies on its side, by its lines' boxes or by the engine's own word."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.quality.grounded import LINE
from bocr_worker.quality.quote import inked_characters
from bocr_worker.quality.verdict import Case, Finding

TALL = 1.5
"""A line of Latin or Arabic text this much taller than wide stands on its end."""
LEAST_CHARACTERS = 4
LEAST_LINES = 5
TALL_SHARE = 0.6
"""Of the characters: a margin's imprint or a watermark stands upright on many an upright page."""


def is_turned(applied: Iterable[str]) -> bool:
    """Whether one of the preparations that were applied turned the page: for `PageContext.turned`."""
    return any(name == "upright" or name.startswith("rotate-") for name in applied)


def rotation(case: Case) -> Finding | None:
    """The engine's word is about the image it was given; the boxes lie on the page as displayed, where the
    lines of a page that was turned before reading stand upright as they should."""
    said = case.recognition.extra.get("rotated")
    if said and isinstance(said, (bool, int, float)) and math.isfinite(said):
        return Finding(
            FailureClass.ROTATION, {"engine_says": said if said is True else round(float(said), 1)}
        )
    if case.context.turned:
        return None
    width, height = case.facts.width_px, case.facts.height_px
    tall = tall_characters = characters = 0
    for block in case.recognition.blocks:
        count = inked_characters(block.text)
        if block.label != LINE or count < LEAST_CHARACTERS:
            continue
        x0, y0, x1, y1 = block.box
        characters += count
        if (y1 - y0) * height > TALL * (x1 - x0) * width:
            tall += 1
            tall_characters += count
    if tall < LEAST_LINES or tall_characters < TALL_SHARE * characters:
        return None
    share = round(tall_characters / characters, 3)
    return Finding(FailureClass.ROTATION, {"tall_lines": tall, "share_of_characters": share})
