"""How many questions a server is given, and who waits."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.openai.gate import Gate
from bocr_worker.runtimes.openai.metrics import Load
from bocr_worker.runtimes.openai.pool import Pool


def settle(gate: Gate, capacity: int, looks: int) -> list[int]:
    """The gate's limit over so many looks at a server that serves `capacity` and is always fully asked."""
    limits = []
    for _ in range(looks):
        gate.inside = gate.limit
        gate.look(Load(min(gate.inside, capacity), max(0, gate.inside - capacity)))
        limits.append(gate.limit)
    return limits


@pytest.mark.parametrize("capacity", [1, 4, 16, 64, 96])
def test_it_finds_a_servers_capacity_and_stays_a_little_above(capacity: int) -> None:
    gate = Gate(16, 128)
    limits = settle(gate, capacity, 60)
    late = limits[30:]
    assert min(late) >= capacity
    assert max(late) <= capacity + 3 + capacity // 8


def test_a_line_that_shrinks_slowly_does_not_make_it_shrink_again_and_again() -> None:
    """Answers take long, looks do not: after too many were let in, a hundred looks show the same line."""
    gate = Gate(128, 128)
    gate.inside = 128
    for leaving in range(100):
        gate.look(Load(64, gate.inside - 64))
        if leaving % 5 == 4 and gate.inside > gate.limit:
            gate.inside -= 1
        assert gate.limit >= 64
    assert gate.limit <= 64 + 10


def test_memory_that_is_short_until_some_have_left_shrinks_it_once() -> None:
    gate = Gate(100, 100)
    gate.inside = 100
    for preemptions in range(20):
        gate.look(Load(80, 20, preemptions=preemptions))
    assert gate.limit == 90


def test_it_grows_by_doubling_until_a_line_was_seen() -> None:
    assert settle(Gate(8, 1000), 10_000, 4) == [16, 32, 64, 128]


def test_it_never_passes_its_most_nor_falls_below_one() -> None:
    gate = Gate(16, 20)
    assert settle(gate, 1000, 10)[-1] == 20
    for moment in range(100):
        gate.overloaded(float(moment), float(moment))
    assert gate.limit == 1


def test_a_burst_that_a_server_takes_in_slowly_is_no_line() -> None:
    """As vLLM does: the first pages are looked at a few at a time, and the rest waits meanwhile."""
    gate = Gate(64, 64)
    gate.inside = 64
    for running in range(0, 65, 8):
        gate.look(Load(running, 64 - running))
    assert gate.limit == 64


def test_it_does_not_double_before_the_server_has_heard_of_all_that_was_asked() -> None:
    gate = Gate(16, 128)
    gate.inside = 16
    gate.look(Load(3, 0))
    assert gate.limit == 16
    gate.look(Load(16, 0))
    assert gate.limit == 32


def test_it_looks_often_while_it_searches_and_no_more_once_it_has_found() -> None:
    gate = Gate(16, 128)
    assert not gate.is_searching, "nobody is inside: there is nothing to learn"
    gate.inside = 16
    assert gate.is_searching
    gate.look(Load(16, 0))
    assert gate.limit == 32
    assert gate.is_searching, "what it has just let in is on its way"
    gate.inside = 15
    assert not gate.is_searching, "there are no pages to fill it with"
    gate.inside = 32
    gate.look(Load(26, 6))
    assert not gate.is_searching
    settle(gate, 24, 20)
    gate.inside = gate.limit
    assert not gate.is_searching


def test_it_knows_how_long_nobody_was_inside() -> None:
    gate = Gate(1, 1)
    gate.enter()
    before = gate.idle_s
    time.sleep(0.02)
    assert gate.idle_s == before
    gate.leave()
    time.sleep(0.02)
    assert gate.idle_s >= before + 0.02


def test_one_burst_that_waits_is_nothing() -> None:
    gate = Gate(64, 64)
    gate.inside = 64
    gate.look(Load(20, 44))
    assert gate.limit == 64
    gate.look(Load(64, 0))
    gate.look(Load(30, 34))
    assert gate.limit == 64
    gate.look(Load(30, 34))
    assert gate.limit < 64


def test_it_does_not_grow_while_it_is_not_full() -> None:
    gate = Gate(16, 128)
    gate.inside = 15
    gate.look(Load(15, 0))
    assert gate.limit == 16


def test_questions_that_were_sent_before_the_last_shrinking_shrink_no_more() -> None:
    gate = Gate(100, 100)
    gate.overloaded(asked_at=1.0, now=10.0)
    for _ in range(20):
        gate.overloaded(asked_at=9.0, now=10.1)
    assert gate.limit == 70
    gate.overloaded(asked_at=11.0, now=12.0)
    assert gate.limit == 49


def test_a_server_that_puts_questions_back_for_want_of_memory_gets_fewer() -> None:
    gate = Gate(40, 40)
    gate.inside = 40
    gate.look(Load(40, 0, preemptions=5))
    gate.look(Load(40, 0, preemptions=5))
    assert gate.limit == 40
    gate.look(Load(40, 0, preemptions=9))
    assert gate.limit == 36


def test_without_metrics_answers_let_it_grow_again() -> None:
    gate = Gate(16, 64)
    gate.overloaded(0.0, 1.0)
    before = gate.limit
    for _ in range(before):
        gate.inside = gate.limit
        gate.answered()
    assert gate.limit == before + 1


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 9)), max_size=60))
def test_no_figures_take_it_out_of_its_bounds(looks: list[tuple[int, int, int]]) -> None:
    gate = Gate(8, 50)
    for running, waiting, preemptions in looks:
        gate.inside = min(running, gate.limit)
        gate.look(Load(running, waiting, preemptions=preemptions))
        assert 1 <= gate.limit <= 50


# -- the line ------------------------------------------------------------------------------------------


class FakeLane:
    """A lane without a server."""

    def __init__(self, limit: int) -> None:
        self.gate = Gate(limit, limit)
        self.suspects = 0
        self.is_up = True
        self.broken: Exception | None = None

    @property
    def has_room(self) -> bool:
        return self.is_up and self.gate.has_room


def pool_of(*limits: int) -> tuple[Pool, list[Any]]:
    pool = Pool()
    lanes: list[Any] = [FakeLane(limit) for limit in limits]
    pool.lanes.extend(lanes)
    return pool, lanes


async def visit(pool: Pool, leave: asyncio.Event, suspect: bool = False) -> Any:
    async with pool.lane(suspect) as lane:
        await leave.wait()
        return lane


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_least_busy_server_gets_the_next_page() -> None:
    pool, (one, two) = pool_of(4, 8)
    leave = asyncio.Event()
    visits = [asyncio.create_task(visit(pool, leave)) for _ in range(6)]
    await settled()
    assert (one.gate.inside, two.gate.inside) == (2, 4)
    leave.set()
    await asyncio.gather(*visits)
    assert (one.gate.inside, two.gate.inside) == (0, 0)


async def test_who_waits_is_let_in_in_turn_and_who_gives_up_takes_no_place() -> None:
    pool, (lane,) = pool_of(1)
    leave = [asyncio.Event() for _ in range(4)]
    visits = [asyncio.create_task(visit(pool, each)) for each in leave]
    await settled()
    visits[1].cancel()
    await settled()
    leave[0].set()
    leave[3].set()
    await settled()
    assert not visits[3].done()
    leave[2].set()
    await asyncio.gather(*visits, return_exceptions=True)
    assert visits[3].result() is lane
    assert lane.gate.inside == 0


async def test_a_place_that_was_given_to_one_who_is_cancelled_just_then_is_not_lost() -> None:
    pool, (lane,) = pool_of(1)
    leave = asyncio.Event()
    first = asyncio.create_task(visit(pool, leave))
    await settled()
    second = asyncio.create_task(visit(pool, leave))
    await settled()
    leave.set()
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert lane.gate.inside == 0


async def test_a_suspect_is_inside_alone_and_others_wait_until_all_suspects_have_left() -> None:
    pool, (lane,) = pool_of(8)
    leave, leave_later, leave_others = asyncio.Event(), asyncio.Event(), asyncio.Event()
    first = [asyncio.create_task(visit(pool, leave)) for _ in range(3)]
    await settled()
    suspects = [asyncio.create_task(visit(pool, leave_later, suspect=True)) for _ in range(3)]
    others = [asyncio.create_task(visit(pool, leave_others)) for _ in range(4)]
    await settled()
    assert (lane.gate.inside, lane.suspects) == (3, 0), "it is emptied for them"
    leave.set()
    await asyncio.gather(*first)
    await settled()
    assert (lane.gate.inside, lane.suspects) == (1, 1)
    leave_later.set()
    await asyncio.gather(*suspects)
    await settled()
    assert (lane.gate.inside, lane.suspects) == (4, 0)
    leave_others.set()
    await asyncio.gather(*others)
    assert (lane.gate.inside, lane.suspects) == (0, 0)


async def test_one_server_is_emptied_for_suspects_and_the_others_read_on() -> None:
    pool, lanes = pool_of(4, 4)
    leave, leave_late = asyncio.Event(), asyncio.Event()
    early = [asyncio.create_task(visit(pool, leave)) for _ in range(4)]
    await settled()
    suspects = [asyncio.create_task(visit(pool, leave, suspect=True)) for _ in range(2)]
    late = [asyncio.create_task(visit(pool, leave_late)) for _ in range(6)]
    await settled()
    assert sorted(lane.gate.inside for lane in lanes) == [2, 4]
    leave.set()
    await asyncio.gather(*early, *suspects)
    leave_late.set()
    await asyncio.gather(*late)
    assert [(lane.gate.inside, lane.suspects) for lane in lanes] == [(0, 0), (0, 0)]


async def test_a_suspect_that_gives_up_waiting_keeps_nobody_out() -> None:
    pool, (lane,) = pool_of(8)
    leave = asyncio.Event()
    inside = asyncio.create_task(visit(pool, leave))
    await settled()
    suspect = asyncio.create_task(visit(pool, leave, suspect=True))
    await settled()
    other = asyncio.create_task(visit(pool, leave))
    await settled()
    assert lane.gate.inside == 1
    suspect.cancel()
    await settled()
    assert lane.gate.inside == 2
    leave.set()
    await asyncio.gather(inside, other)


async def test_when_the_server_that_is_emptied_goes_another_takes_the_suspect() -> None:
    pool, (one, two) = pool_of(4, 4)
    leave = asyncio.Event()
    inside = [asyncio.create_task(visit(pool, leave)) for _ in range(3)]
    await settled()
    suspect = asyncio.create_task(visit(pool, leave, suspect=True))
    await settled()
    two.is_up, two.broken = False, RuntimeBroken("it burnt down")
    pool.changed()
    leave.set()
    await asyncio.gather(*inside)
    assert await suspect is one


@given(st.randoms(use_true_random=False))
def test_whatever_comes_and_goes_suspects_are_alone_and_nobody_waits_for_ever(random: Random) -> None:
    async def play() -> None:
        pool, lanes = pool_of(*(random.randint(1, 4) for _ in range(random.randint(1, 3))))

        async def come(suspect: bool) -> None:
            async with pool.lane(suspect) as lane:
                for _ in range(random.randint(0, 4)):
                    assert lane.gate.inside <= lane.gate.limit
                    assert not lane.suspects or lane.gate.inside == 1
                    await asyncio.sleep(0)

        visits = []
        for _ in range(random.randint(1, 30)):
            visits.append(asyncio.create_task(come(random.random() < 0.4)))
            what = random.random()
            if what < 0.2:
                random.choice(visits).cancel()
            elif what < 0.4:
                lane = random.choice(lanes)
                lane.is_up = not lane.is_up
                pool.changed()
            if what < 0.7:
                await asyncio.sleep(0)
        for lane in lanes:
            lane.is_up = True
        pool.changed()
        done = await asyncio.wait_for(asyncio.gather(*visits, return_exceptions=True), 5.0)
        assert not [each for each in done if isinstance(each, Exception)]
        assert [(lane.gate.inside, lane.suspects) for lane in lanes] == [(0, 0)] * len(lanes)

    asyncio.run(play())


async def test_when_no_server_will_come_up_again_everybody_is_told_why() -> None:
    pool, (lane,) = pool_of(1)
    leave = asyncio.Event()
    inside = asyncio.create_task(visit(pool, leave))
    waiting = asyncio.create_task(visit(pool, leave))
    await settled()
    lane.broken = RuntimeBroken("it burnt down")
    pool.changed()
    with pytest.raises(RuntimeBroken, match="burnt"):
        await waiting
    leave.set()
    await inside
    pool.close()
    with pytest.raises(RuntimeBroken, match="not running"):
        await visit(pool, leave)
