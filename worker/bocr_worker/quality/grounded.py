"""Whether each line of a reading was found on the page before it was read.

Engines that find lines first (rapidocr, Tesseract) cannot loop: if they say a line twice, it is there
twice. Models that write freely can, and their boxes are as invented as their words.
"""

from __future__ import annotations

from bocr_worker.protocol.recognition import Recognition
from bocr_worker.quality.quote import inked_characters

LINE = "line"
_TEXT_IN_LINES = 0.9
_OVERLAP = 1.6
"""Boxes' areas added up against one page: real lines do not lie on each other."""


def is_grounded(recognition: Recognition) -> bool:
    """True where nearly all text stands in line blocks with boxes and a confidence of their own."""
    blocks = recognition.blocks
    if not blocks or recognition.raw is not None:
        return False
    seen: set[tuple[float, ...]] = set()
    area = 0.0
    characters = 0
    for block in blocks:
        x0, y0, x1, y1 = block.box
        if block.label != LINE or block.confidence is None or not (x1 > x0 and y1 > y0):
            return False
        area += min(1.0, x1 - x0) * min(1.0, y1 - y0)
        seen.add(block.box)
        characters += inked_characters(block.text)
    distinct = len(seen) >= _TEXT_IN_LINES * len(blocks)
    return distinct and area <= _OVERLAP and characters >= _TEXT_IN_LINES * inked_characters(recognition.text)
