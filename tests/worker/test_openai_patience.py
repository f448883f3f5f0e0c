"""When a page is given up on which servers fail, and when it is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from bocr_worker.runtimes.openai.lane import Lane
from bocr_worker.runtimes.openai.patience import Patience


@dataclass(eq=False)
class Took:
    """A lane that took questions then, and answered them."""

    taken: list[float]


def lane_that_took(*at: float) -> Lane:
    return cast(Lane, Took(list(at)))


def test_a_page_is_given_up_when_others_are_taken_between_its_errors() -> None:
    patience, lane = Patience(0.5), lane_that_took(1.5, 2.5, 3.5, 4.5)
    for second in (1, 2, 3, 4):
        assert not patience.is_spent(failing=9)
        patience.failed(lane, at=second)
    assert patience.is_spent(failing=9)


def test_a_server_that_is_well_again_gets_the_page_again() -> None:
    patience, lane = Patience(0.5), lane_that_took(0.5, 7.5, 7.6, 7.7, 7.8)
    for second in range(1, 8):
        patience.failed(lane, at=second)
    assert not patience.is_spent(failing=9)


def test_after_many_errors_one_other_that_was_taken_is_enough() -> None:
    patience, lane = Patience(0.5), lane_that_took(6.5)
    for second in range(7):
        patience.failed(lane, at=second)
    assert not patience.is_spent(failing=9)
    patience.failed(lane, at=7)
    assert patience.is_spent(failing=9)


def test_what_another_server_takes_says_nothing_of_this_one() -> None:
    patience, ill, well = Patience(0.5), lane_that_took(), lane_that_took(2.5, 4.5, 6.5)
    for second in (1, 3, 5):
        patience.failed(ill, at=second)
        patience.failed(well, at=second + 1.7)
    assert not patience.is_spent(failing=9)


def test_no_page_is_given_up_while_everybody_fails() -> None:
    patience = Patience(0.5)
    for second in range(50):
        patience.failed(lane_that_took(), at=second)
    assert not patience.is_spent(failing=20)
    assert patience.is_spent(failing=1)


def test_a_page_that_is_turned_away_is_not_given_up_before_a_busy_server_would_have_taken_it() -> None:
    patience, lane = Patience(0.5), lane_that_took(1.5, 2.5, 3.5)
    for second in range(7):
        patience.turned_away(lane, at=second)
        assert not patience.is_in_vain(failing=1, unluckiest=0.0)
    patience.turned_away(lane, at=8)
    assert patience.is_in_vain(failing=1, unluckiest=5.0)
    assert patience.is_in_vain(failing=9, unluckiest=3.0)
    assert not patience.is_in_vain(failing=9, unluckiest=4.0), "others were as unlucky, and were read"
    lane.taken.clear()
    assert not patience.is_in_vain(failing=9, unluckiest=0.0), "nobody was let in since"


def test_waiting_grows_and_has_an_end() -> None:
    patience = Patience(0.5)
    assert 0.25 <= patience.backoff_s() <= 0.5
    for second in range(100):
        patience.turned_away(lane_that_took(), at=second)
    assert 15.0 <= patience.backoff_s() <= 30.0
    assert not patience.is_spent(failing=1)
