"""Which of a page's attempts counts, and why, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from bocr_tui.catalog.list_rows import AttemptRow


def why_it_counts(attempts: Sequence[AttemptRow], accepted: int | None, *, by_person: bool = False) -> str:
    """One sentence on the attempt whose id is `accepted`, numbered from 1 as they are listed; empty where
    there is nothing to choose from, or nothing is accepted.

    The rule is the catalog's own (`catalog.attempts`): of good readings the one with the better score stays,
    of equal ones the earlier.
    """
    numbered = {one.id: (number, one) for number, one in enumerate(attempts, 1)}
    if accepted not in numbered or len(attempts) < 2:
        return ""
    number, chosen = numbered[accepted]
    begin = f"The text of attempt {number} ({chosen.engine}) counts"
    if by_person:
        return f"{begin}: a person chose it."
    others = [pair for pair in numbered.values() if pair[1].outcome == "ok" and pair[1].id != accepted]
    if not others:
        return f"{begin}: no other attempt was read well."
    rival_number, rival = max(others, key=lambda pair: pair[1].score or 0.0)
    mine, theirs = _scores(chosen.score or 0.0, rival.score or 0.0)
    against = f"that of attempt {rival_number} ({rival.engine}), {theirs}"
    if (chosen.score or 0.0) > (rival.score or 0.0):
        return f"{begin}: its score, {mine}, is better than {against}."
    if (chosen.score or 0.0) == (rival.score or 0.0):
        return f"{begin}: its score, {mine}, is no worse than {against}, and of equal ones the first is kept."
    return f"{begin}: it was accepted last, though its score, {mine}, is lower than {against}."


def _scores(mine: float, theirs: float) -> tuple[str, str]:
    """With as many digits as it takes to tell them apart."""
    for digits in (2, 3, 4):
        said = f"{mine:.{digits}f}", f"{theirs:.{digits}f}"
        if said[0] != said[1]:
            return said
    return f"{mine:.2f}", f"{theirs:.2f}"
