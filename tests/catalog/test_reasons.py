"""A failure in words that a person can read."""

from __future__ import annotations

from bocr_tui.catalog.reasons import reason_of, spread_out


def test_a_doubt_is_a_piece_of_its_own_and_never_json() -> None:
    evidence = {"rule": "unread", "doubts": {"low_confidence": {"mean": 0.663, "worst": "1"}}}
    assert spread_out(evidence) == {"rule": "unread", "doubt: low_confidence": "mean 0.663, worst 1"}
    assert reason_of("coverage", evidence) == (
        "part of the page was not read (rule unread, doubt: low confidence mean 0.663, worst 1)"
    )


def test_evidence_of_any_shape_has_words() -> None:
    assert spread_out({"doubts": "odd"}) == {"doubts": "odd"}
    assert spread_out({"doubts": {"empty": 3}}) == {"doubt: empty": "3"}
    assert reason_of("never heard of", {}) == "never heard of"
