"""The stand-in server itself: what benchmarks and tests take its word for."""

from __future__ import annotations

import asyncio

import pytest

from tests.worker.stand_in.faults import Fault, FaultPlan
from tests.worker.stand_in.settings import Range
from tests.worker.stand_in.slots import Moment, Slots


def test_what_was_held_of_the_slots_is_counted_up_to_the_last_start() -> None:
    slots = Slots(2)
    slots.moments = [
        Moment(0.0, 1, 0),
        Moment(1.0, 2, 0),
        Moment(4.0, 1, 0),
        Moment(5.0, 2, 0),  # the last start: 2 + 6 + 1... of 10 slot seconds
        Moment(6.0, 1, 0),
        Moment(9.0, 0, 0),
    ]
    slots.last_begun_at = 5.0
    seen = slots.occupancy()
    assert seen["share"] == pytest.approx((1 * 1 + 2 * 3 + 1 * 1) / (2 * 5))
    assert seen["busy_slot_s"] == pytest.approx(8 + 2 + 3)
    assert seen["peak_running"] == 2


async def test_slots_are_given_in_turn_and_none_is_lost() -> None:
    slots = Slots(2)
    order: list[int] = []

    async def use(number: int) -> None:
        async with slots.one():
            order.append(number)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(use(number)) for number in range(6)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 2, 4, 5]
    assert (slots.running, slots.waiting) == (0, 0)
    assert max(moment.running for moment in slots.moments) == 2


async def test_who_comes_from_the_line_into_a_slot_that_just_got_free_counts_as_a_start() -> None:
    slots = Slots(1)

    async def use() -> None:
        async with slots.one():
            await asyncio.sleep(0.02)

    await asyncio.gather(*(use() for _ in range(5)))
    seen = slots.occupancy()
    assert seen["fed_s"] >= 4 * 0.02
    assert seen["share"] == pytest.approx(1.0, abs=0.05)


def test_a_range_is_the_same_for_the_same_question_and_spread_over_questions() -> None:
    spread = Range.parse("5-30")
    values = [spread.of(str(number)) for number in range(400)]
    assert values == [spread.of(str(number)) for number in range(400)]
    assert min(values) < 6 and max(values) > 29
    assert 16 < sum(values) / 400 < 19
    assert Range.parse("3").of("x") == 3


def test_faults_meet_whom_they_are_meant_for_and_are_used_up() -> None:
    plan = FaultPlan()
    plan.add("500", times=2, image="ab")
    plan.add("loop", prompt="grounded", cooler_than=0.1)
    assert [plan.next("ab1", "", 0) for _ in range(3)] == ["500", "500", ""]
    assert plan.next("cd", "grounded please", 0.0) == "loop"
    assert plan.next("cd", "grounded please", 0.2) == ""
    shared = FaultPlan([Fault("empty", share=0.1)])
    met = sum(shared.next(f"{number:x}", "", 0) == "empty" for number in range(2000))
    assert 150 < met < 250
    with pytest.raises(ValueError, match="no fault 'frog'"):
        plan.add("frog")
