"""The pace that a heartbeat says is one that a person would have measured."""

from __future__ import annotations

import pytest

from bocr_worker.pace import LONGEST_S, Pace

BEAT_S = 5.0


def beats(seconds_a_page: float, for_s: float, load_s: float = 0.0) -> list[float]:
    """What the heartbeats of an engine say that finishes a page every so often, after loading its model."""
    pace = Pace()
    moments = [BEAT_S * n for n in range(int(for_s / BEAT_S) + 1)]
    return [pace.saw(at_s, max(0, int((at_s - load_s) / seconds_a_page))) for at_s in moments]


@pytest.mark.parametrize("seconds_a_page", [0.02, 0.7, 6.0, 17.0, 45.0, 130.0])
def test_a_steady_engine_has_one_pace_however_slow_it_is(seconds_a_page: float) -> None:
    said = beats(seconds_a_page, for_s=20 * max(seconds_a_page, BEAT_S))
    late = said[len(said) // 2 :]
    assert min(late) > 0.7 / seconds_a_page
    assert max(late) < 1.5 / seconds_a_page


def test_the_time_in_which_a_model_is_loaded_is_not_counted() -> None:
    said = beats(2.0, for_s=360, load_s=300)
    assert said[-1] == pytest.approx(0.5, rel=0.2)
    assert not any(said[:60])


def test_it_follows_a_change() -> None:
    pace = Pace()
    for n in range(40):
        pace.saw(BEAT_S * n, 10 * n)
    for n in range(40, 60):
        said = pace.saw(BEAT_S * n, 400 + n)
    assert said == pytest.approx(0.2)


def test_an_engine_that_hangs_comes_to_nothing() -> None:
    pace = Pace()
    said = [pace.saw(BEAT_S * n, min(n, 20)) for n in range(int(2 * LONGEST_S / BEAT_S))]
    assert said[-1] == 0.0
