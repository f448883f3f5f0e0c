"""Ink that was not read: what catches Arabic under a Latin engine, and pages read by half.

Three measures, each blind where another sees. (1) Unread cells: the share of the page's text-like cells that
no credible box covers; a long line's box that holds a handful of characters is not credible. (2) The largest
stretch of page without any box, for the column or the half that is missing. (3) Characters for the ink there
is, for engines that give no boxes and as a second witness against the document's other pages.

Figures do not count: cells that are solid are not text, and a stretch that is largely solid is a picture.
Measured on 76 pages of real gazettes, archives and photographs; the figures stand beside the thresholds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bocr_worker.protocol.facts import GRID_COLUMNS, GRID_ROWS, ImageFacts
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Block, Box
from bocr_worker.quality.grounded import LINE
from bocr_worker.quality.inkmap import InkMap, map_ink
from bocr_worker.quality.quote import inked_characters
from bocr_worker.quality.stretch import Stretch, largest_unread
from bocr_worker.quality.verdict import FAILING, Case, Finding

LEAST_TEXT_CELLS = 40
"""Text-like cells below which shares say nothing: 2.6% of the page, three lines."""

LONG_LINE = 3.0
"""Length over height from which a line's characters can be counted against its shape."""
LEAST_DENSITY = 1.0
"""Characters for each height of a long line's box. Real lines: 1.8 to 4.2 (page means); Arabic read by a
Latin engine: 0 to 1.8, most of it below 1."""

LEAST_REGION_DENSITY = 0.1
REGION_CELLS = 40
"""A layout model's region as large as this with fewer characters a cell is not credible as text."""
PICTURES = frozenset(
    {"picture", "image", "figure", "photo", "diagram", "chart", "stamp", "signature", "logo"}
)

UNREAD_SHARE, UNREAD_CELLS = 0.5, 100
"""100 cells are 65 cm² of A4: a drawing or an emblem on a page of few words leaves less unread."""
NOTHING_READ_SHARE = 0.85
"""…unless there is hardly anything else on the page."""
UNREAD_DOUBT = 0.35
"""Good pages read by rapidocr leave 0 to 0.34 (tables' double rules), by Tesseract up to 0.54 (a form of 160
cells); Arabic read by rapidocr 0.58 to 1; bilingual columns of which one is read 0.41 to 0.5."""
WITNESSED_SHARE = 0.42
"""Enough where the page also has far fewer characters than the document's others have for their ink. Not
less: a title page has a fifth of their characters and leaves a third of its cells to a watermark."""
PICTURE_SHARE = 0.5
"""Solid cells for each text-like cell from which the unread ink may as well be a photograph's."""

STRETCH_CELLS, STRETCH_SHARE = 100, 0.25
STRETCH_ROWS, STRETCH_COLUMNS = 8, 6
"""48 mm by 40 mm on A4: smaller holes are stamps, signatures and emblems."""
STRETCH_FILL, STRETCH_SOLID = 0.25, 0.5
"""Text fills a third of its stretch and more; photographs at most 0.31 and are solid for the most part."""

FEW_FOR_DOCUMENT = 0.35
FEWEST_FOR_DOCUMENT = 0.15
"""Of the characters that the document's other pages have for this much ink; a title page has a fifth."""
LEAST_CHARACTERS_A_CELL, FEW_CHARACTERS_A_CELL = 0.15, 0.8
"""Body text has 1.1 to 5.5 characters a cell, title pages 0.6; Arabic read by rapidocr 0.02 to 0.39."""
DOUBT = 0.4


@dataclass(frozen=True)
class _Measures:
    """What the rules look at, and what the evidence shows."""

    ink: InkMap
    text_cells: int
    unread_share: float
    characters: int
    of_expected: float | None

    @property
    def mostly_picture(self) -> bool:
        return self.ink.solid_cells > PICTURE_SHARE * self.text_cells


def coverage(case: Case) -> Finding | None:
    facts, recognition = case.facts, case.recognition
    if facts.blank or not recognition.text.strip():
        return None
    boxes = [box for block in recognition.blocks for box in _credible_boxes(block, facts)]
    ink = map_ink(facts.grid, boxes)
    if ink is None or (text_cells := ink.text_cells) < LEAST_TEXT_CELLS:
        return None
    characters = inked_characters(recognition.text)
    unread = sum(row.bit_count() for row in ink.unread) / text_cells
    measures = _Measures(ink, text_cells, unread, characters, _of_expected(case))
    if not recognition.blocks or not case.context.gives_boxes:
        return _by_characters(measures)
    return _by_boxes(measures)


def _by_boxes(seen: _Measures) -> Finding | None:
    share, cells = seen.unread_share, seen.unread_share * seen.text_cells
    few = seen.of_expected is not None and seen.of_expected < FEW_FOR_DOCUMENT
    enough = WITNESSED_SHARE if few else UNREAD_SHARE
    if not seen.mostly_picture and (
        (share >= enough and cells >= UNREAD_CELLS)
        or (share >= NOTHING_READ_SHARE and cells >= LEAST_TEXT_CELLS)
    ):
        return _finding(seen, "unread", share)
    if cells >= STRETCH_CELLS and share >= STRETCH_SHARE:
        stretch = largest_unread(seen.ink, STRETCH_ROWS, STRETCH_COLUMNS)
        if stretch is not None and _is_text(stretch, seen.text_cells):
            return _finding(seen, "stretch", share, stretch=list(stretch.box))
    return _finding(seen, "unread", DOUBT) if share >= UNREAD_DOUBT else None


def _is_text(stretch: Stretch, text_cells: int) -> bool:
    return (
        stretch.unread >= max(STRETCH_CELLS, STRETCH_SHARE * text_cells)
        and stretch.unread >= STRETCH_FILL * stretch.cells
        and stretch.solid <= STRETCH_SOLID * stretch.unread
    )


def _by_characters(seen: _Measures) -> Finding | None:
    density = seen.characters / seen.text_cells
    few = seen.of_expected is not None and seen.of_expected < FEWEST_FOR_DOCUMENT
    if density >= (FEW_CHARACTERS_A_CELL if few else LEAST_CHARACTERS_A_CELL):
        return None
    return _finding(seen, "characters", DOUBT if seen.mostly_picture else 1.0 - density)


def _finding(seen: _Measures, rule: str, severity: float, **more: Any) -> Finding:
    evidence: dict[str, Any] = {
        "rule": rule,
        "unread_share": round(seen.unread_share, 3),
        "text_cells": seen.text_cells,
        "characters": seen.characters,
        **more,
    }
    if seen.of_expected is not None:
        evidence["of_expected"] = round(seen.of_expected, 3)
    fails = severity != DOUBT
    return Finding(FailureClass.COVERAGE, evidence, min(1.0, max(FAILING, severity)) if fails else DOUBT)


def _of_expected(case: Case) -> float | None:
    """Characters against what the document's other pages hold for this much ink."""
    usual = case.context.chars_per_ink
    expected = 0.0 if usual is None else usual * case.facts.ink
    if not 1.0 <= expected < math.inf:
        return None
    return len(case.recognition.text) / expected


def _credible_boxes(block: Block, facts: ImageFacts) -> list[Box]:
    """The box, if it holds about as many characters as its shape can; else those of its words that do: a
    row of a table is one long line with little in it."""
    if block.label != LINE:
        x0, y0, x1, y1 = block.box
        cells = (x1 - x0) * GRID_COLUMNS * (y1 - y0) * GRID_ROWS
        few = inked_characters(block.text) < LEAST_REGION_DENSITY * cells
        return [] if few and cells >= REGION_CELLS and block.label not in PICTURES else [block.box]
    if _fills(block.text, block.box, facts):
        return [block.box]
    return [word.box for word in block.words if _fills(word.text, word.box, facts)]


def _fills(text: str, box: Box, facts: ImageFacts) -> bool:
    characters = inked_characters(text)
    width, height = (box[2] - box[0]) * facts.width_px, (box[3] - box[1]) * facts.height_px
    short, long = min(width, height), max(width, height)
    if not (characters and short > 0):
        return False
    return long < LONG_LINE * short or characters * short >= LEAST_DENSITY * long
