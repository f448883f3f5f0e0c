"""Text where there is no ink, and no text where there is."""

from __future__ import annotations

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.quality.inkmap import map_ink
from bocr_worker.quality.quote import inked_characters, quote
from bocr_worker.quality.verdict import Case, Finding

SPECKS_CHARACTERS = 20
"""What a reading of specks on an empty page may come to, or a model's own "[blank page]"."""

NEARLY_BLANK_CHARACTERS = 100
CHARACTERS_PER_INK = 120_000
"""Three times what the densest real page measured holds per unit of ink share (d84: 51,000 at 150 dpi): a
nearly blank page with the last lines of a decree passes, one with an invented page does not."""

WORD_CELLS = 3
"""Cells of the ink grid that one word of a headline fills."""


def blank_text(case: Case) -> Finding | None:
    """Text on a page without ink, or far more than its little ink can be."""
    facts = case.facts
    if not (facts.blank or facts.nearly_blank):
        return None
    characters = inked_characters(case.recognition.text)
    if characters == 0:
        return None
    allowed = SPECKS_CHARACTERS
    if not facts.blank:
        allowed = NEARLY_BLANK_CHARACTERS + int(CHARACTERS_PER_INK * max(0.0, facts.ink))
    evidence = {
        "characters": characters,
        "at_most": allowed,
        "ink": round(facts.ink, 5),
        "starts": quote(case.recognition.text.lstrip()),
    }
    if characters > allowed:
        return Finding(FailureClass.BLANK_TEXT, evidence)
    return Finding(FailureClass.BLANK_TEXT, evidence, severity=0.3) if facts.blank else None


def empty(case: Case) -> Finding | None:
    """No text on a page with ink.

    Nothing on a blank or nearly blank page is a correct reading: most such pages are versos with specks and
    punch holes. Where the little ink lies as letters do, a single word may have been lost: a doubt.
    """
    facts = case.facts
    if facts.blank or case.recognition.text.strip():
        return None
    evidence: dict[str, object] = {
        "ink": round(facts.ink, 5),
        "bright": round(facts.bright, 4),
        "blocks": len(case.recognition.blocks),
    }
    if not facts.nearly_blank:
        return Finding(FailureClass.EMPTY, evidence)
    ink = map_ink(facts.grid, ())
    if ink is None or ink.text_cells < WORD_CELLS:
        return None
    return Finding(FailureClass.EMPTY, {**evidence, "text_cells": ink.text_cells}, severity=0.3)
