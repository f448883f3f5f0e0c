"""Far more characters than a page can hold."""

from __future__ import annotations

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.quality.grounded import is_grounded
from bocr_worker.quality.quote import quote
from bocr_worker.quality.verdict import Case, Finding

MOST_CHARACTERS = 25_000
MOST_GROUNDED_CHARACTERS = 100_000
"""Where every line was found on the page first, a page of a broadsheet may hold more: the densest newspaper
page of the corpus has 20,000."""


def runaway(case: Case) -> Finding | None:
    text = case.recognition.text
    if len(text) <= MOST_CHARACTERS:
        return None
    most = MOST_GROUNDED_CHARACTERS if is_grounded(case.recognition) else MOST_CHARACTERS
    if len(text) <= most:
        return None
    evidence = {"characters": len(text), "at_most": most, "ends": quote(text[-40:])}
    return Finding(FailureClass.RUNAWAY, evidence)
