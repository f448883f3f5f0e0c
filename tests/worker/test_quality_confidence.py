"""Two numbers out of many: the mean, and the worst window."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.protocol.recognition import Confidence
from bocr_worker.quality.confidence import summarise


def test_nothing_known_is_unknown_and_not_zero() -> None:
    assert summarise([]) == Confidence(None, None)
    assert summarise([(None, 10), (math.nan, 5), (0.9, 0)]) == Confidence(None, None)


def test_the_mean_weighs_by_characters() -> None:
    assert summarise([(1.0, 30), (0.5, 10)]).mean == pytest.approx(0.875)


def test_a_garbled_paragraph_shows_in_the_minimum_and_not_in_the_mean() -> None:
    seen = summarise([(0.95, 60)] * 40 + [(0.1, 60)] * 3 + [(0.95, 60)] * 40)
    assert seen.mean is not None
    assert seen.mean > 0.9
    assert seen.minimum == pytest.approx(0.1)


def test_one_misread_word_is_no_garbled_paragraph() -> None:
    seen = summarise([(0.95, 6)] * 50 + [(0.05, 6)] + [(0.95, 6)] * 50)
    assert seen.minimum is not None
    assert seen.minimum > 0.85


def test_a_text_shorter_than_a_window_has_its_mean_as_minimum() -> None:
    assert summarise([(0.4, 10), (0.8, 10)]) == Confidence(0.6, 0.6)


def test_what_is_no_weight_of_a_text_is_left_out() -> None:
    assert summarise([(0.4, 10), (1.0, 1e308), (1.0, -1), (0.8, 10)]) == Confidence(0.6, 0.6)


READINGS = st.lists(st.tuples(st.none() | st.floats(), st.floats() | st.integers(-5, 500)), max_size=60)


@given(READINGS)
def test_whatever_an_engine_says_both_numbers_lie_in_order(
    readings: list[tuple[float | None, float]],
) -> None:
    seen = summarise(readings)
    assert (seen.mean is None) == (seen.minimum is None)
    if seen.mean is not None and seen.minimum is not None:
        assert 0 <= seen.minimum <= seen.mean <= 1
