"""From tokens' probabilities to how sure a model was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.quality.confidence import summarise
from bocr_worker.runtimes.openai.confidence import (
    MOST_STRETCHES,
    TOKEN_WINDOW,
    Placed,
    Token,
    doubtful_stretches,
    mean_within,
    overall,
    place_tokens,
    without_markup,
)


def tokens(*pieces: tuple[str, float | None]) -> list[Token]:
    return [Token(text.encode(), probability) for text, probability in pieces]


def test_tokens_are_found_where_they_stand() -> None:
    placed = place_tokens("Le décret", tokens(("Le", 0.9), (" déc", 0.8), ("ret", 0.7)))
    assert placed == (Placed(0, 2, 0.9), Placed(2, 6, 0.8), Placed(6, 9, 0.7))


def test_a_character_cut_in_two_belongs_to_both_tokens() -> None:
    first, second = "ق".encode()[:1], "ق".encode()[1:]
    placed = place_tokens("aقb", [Token(b"a", 1.0), Token(first, 0.2), Token(second, 0.4), Token(b"b", 1.0)])
    assert placed == (Placed(0, 1, 1.0), Placed(1, 2, 0.2), Placed(1, 2, 0.4), Placed(2, 3, 1.0))


def test_special_tokens_that_the_text_does_not_hold_are_passed_over() -> None:
    placed = place_tokens("ab", tokens(("<|begin|>", 0.1), ("a", 0.9), ("b", 0.8), ("<|end|>", 0.1)))
    assert [token.probability for token in placed] == [0.9, 0.8]


def test_white_space_that_a_server_strips_does_not_lose_the_rest() -> None:
    placed = place_tokens("one two", tokens(("\n", 0.5), ("one", 0.9), (" two", 0.8)))
    assert [token.probability for token in placed] == [0.9, 0.8]


@given(st.text(max_size=60), st.lists(st.integers(1, 5), max_size=80))
def test_any_cut_of_any_text_is_placed_whole_and_in_order(text: str, cuts: list[int]) -> None:
    whole = text.encode("utf-8", "surrogatepass")
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(Token(whole[at : at + cut], 0.5))
        at += cut
    pieces.append(Token(whole[at:], 0.5))
    placed = place_tokens(text, pieces)
    assert len(placed) == sum(1 for piece in pieces if piece.spelled)
    assert all(0 <= token.start < token.end <= len(text) for token in placed)
    assert [token.start for token in placed] == sorted(token.start for token in placed)
    assert {place for token in placed for place in range(token.start, token.end)} == set(range(len(text)))


@given(st.text(max_size=30), st.lists(st.binary(max_size=6), max_size=20))
def test_tokens_of_another_text_do_no_harm(text: str, strange: list[bytes]) -> None:
    placed = place_tokens(text, [Token(spelled, 0.5) for spelled in strange])
    assert all(0 <= token.start < token.end <= len(text) for token in placed)


def test_markup_says_nothing_of_the_reading() -> None:
    text = '<div id="7">Loi</div>'
    placed = place_tokens(text, tokens(("<div", 0.1), (' id="7">', 0.1), ("Loi", 0.9), ("</div>", 0.1)))
    kept = without_markup(text, placed, re.compile(r"<[^>]*>"))
    assert [token.probability for token in kept] == [0.9]
    assert overall(kept).mean == 0.9
    assert len(without_markup(text, placed, None)) == 4


def test_the_minimum_shows_a_bad_region_that_the_mean_hides() -> None:
    sure = [Placed(place, place + 1, 0.99) for place in range(1000)]
    bad = [Placed(token.start, token.end, 0.2) if 500 <= token.start < 540 else token for token in sure]
    confidence = overall(bad)
    assert confidence.mean is not None and confidence.minimum is not None
    assert confidence.mean > 0.95
    assert confidence.minimum == pytest.approx(0.2)


@given(st.lists(st.none() | st.floats(0, 1), max_size=200))
def test_it_is_what_is_reckoned_for_any_weights_with_equal_ones(chances: list[float | None]) -> None:
    placed = [Placed(place, place + 1, chance) for place, chance in enumerate(chances)]
    wanted = summarise(((chance, 1.0) for chance in chances), TOKEN_WINDOW)
    assert overall(placed).mean == pytest.approx(wanted.mean, abs=1.1e-4)
    assert overall(placed).minimum == pytest.approx(wanted.minimum, abs=1.1e-4)


def test_unknown_is_not_zero() -> None:
    assert overall([]).mean is None
    assert overall([Placed(0, 1, None), Placed(1, 2, 0.8)]).mean == 0.8


def test_a_blocks_confidence_is_that_of_its_own_tokens() -> None:
    placed = [Placed(0, 3, 0.9), Placed(3, 6, 0.5), Placed(6, 9, 0.7), Placed(9, 12, None)]
    assert mean_within(placed, 3, 9) == 0.6
    assert mean_within(placed, 9, 12) is None
    assert mean_within(placed, 12, 90) is None


def test_doubtful_tokens_that_stand_together_are_one_stretch() -> None:
    chances = [0.9, 0.3, 0.9, 0.2, 0.9, 0.9, 0.9, 0.9, 0.1, None]
    placed = [Placed(10 * place, 10 * place + 9, chance) for place, chance in enumerate(chances)]
    first, second = doubtful_stretches(placed)
    assert (first.start, first.end, first.mean) == (10, 39, 0.4667)
    assert (second.start, second.end, second.mean) == (80, 89, 0.1)


def test_of_too_many_stretches_the_worst_are_kept_in_order() -> None:
    placed = [Placed(place, place + 1, 0.4 if place % 5 == 0 else 0.9) for place in range(1000)]
    placed[600] = Placed(600, 601, 0.0)
    stretches = doubtful_stretches(placed)
    assert len(stretches) == MOST_STRETCHES
    assert 600 in [stretch.start for stretch in stretches]
    assert [stretch.start for stretch in stretches] == sorted(stretch.start for stretch in stretches)
