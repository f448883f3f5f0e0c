"""Which attempt's text counts, in a sentence."""

from __future__ import annotations

import pytest

from bocr_tui.catalog.counting import why_it_counts
from bocr_tui.catalog.list_rows import AttemptRow


def tried(number: int, engine: str, score: float | None, outcome: str = "ok") -> AttemptRow:
    said = dict.fromkeys(AttemptRow._fields)
    return AttemptRow(**{**said, "id": number * 10, "engine": engine, "score": score, "outcome": outcome})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scores", "accepted", "why"),
    [
        ((0.94, 0.87), 10, "its score, 0.94, is better than that of attempt 2 (e2), 0.87."),
        ((0.9412, 0.9431), 20, "its score, 0.943, is better than that of attempt 1 (e1), 0.941."),
        ((0.5, 0.5), 10, "its score, 0.50, is no worse than that of attempt 2 (e2), 0.50,"),
        ((None, 0.5), 10, "it was accepted last, though its score, 0.00, is lower"),
    ],
)
def test_the_score_that_decided_is_named(scores: tuple[float | None, ...], accepted: int, why: str) -> None:
    attempts = [tried(n, f"e{n}", score) for n, score in enumerate(scores, 1)]
    said = why_it_counts(attempts, accepted)
    assert said.startswith(f"The text of attempt {accepted // 10} (e{accepted // 10}) counts: {why}")


def test_a_failed_attempt_is_no_rival_and_a_person_s_word_is_the_last() -> None:
    attempts = [tried(1, "rapidocr", 0.9, "failed"), tried(2, "tesseract", 0.7)]
    assert "no other attempt was read well" in why_it_counts(attempts, 20)
    assert "a person chose it" in why_it_counts(attempts, 10, by_person=True)
    assert why_it_counts(attempts, None) == "" and why_it_counts(attempts[1:], 20) == ""
