"""Pages that a server never answers, told from a server that is in trouble."""

from __future__ import annotations

import asyncio

import pytest

from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import AskFailed
from tests.worker.stand_in import Settings, StandIn
from tests.worker.vision_engines import (
    LONG_S,
    image_hash,
    outcomes,
    page,
    running,
    runtime_at,
    until,
)

pytest.importorskip("aiohttp")


@pytest.mark.parametrize("fault", ["503", "429"])
async def test_a_page_that_a_server_always_turns_away_is_given_up_and_holds_nobody_up(fault: str) -> None:
    settings = Settings(slots=2)
    async with StandIn(settings) as server, running(runtime_at(server.url)) as runtime:
        server.faults.add(fault, image=image_hash(3))
        results = await outcomes(runtime, range(60))
        failed = results.pop(3)
        assert isinstance(failed, AskFailed)
        assert (failed.failure, failed.charged) == (FailureClass.TRANSPORT, False)
        assert "turned this page away 8 times" in failed.cause
        assert f"told to answer {fault}" in failed.detail
        assert all(isinstance(read, Recognition) for read in results)
        assert sum(seen.fault == fault for seen in server.seen) == 8
        assert runtime.facts["in_flight_limit"] > 4


async def test_pages_that_wait_to_be_asked_again_keep_nobody_from_a_server_that_takes_few() -> None:
    async with StandIn() as server, running(runtime_at(server.url, backoff_s=60.0)) as runtime:
        server.faults.add("500", times=4)
        asking = asyncio.create_task(outcomes(runtime, range(4)))
        await until(lambda: runtime.lanes[0].failing == 4 and not runtime.lanes[0].gate.inside)
        runtime.lanes[0].gate.limit = 1
        assert runtime.slots == 1 + 4
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize("fault", ["500", "503"])
async def test_many_dead_pages_at_the_end_of_a_job_are_given_up_when_the_server_still_answers(
    fault: str,
) -> None:
    """Nobody else is there to show that it does, so it is asked about a page that it has read."""
    async with StandIn() as server, running(runtime_at(server.url, outage_s=20.0)) as runtime:
        read = await runtime.ask(page(99), LONG_S)
        for number in range(6):
            server.faults.add(fault, image=image_hash(number))
        results = await outcomes(runtime, range(6))
        assert isinstance(read, Recognition)
        assert [type(result) for result in results] == [AskFailed] * 6
        asked = [seen for seen in server.seen if seen.image == image_hash(99)]
        assert 1 < len(asked) < 60
        assert all(seen.body["max_tokens"] == 1 for seen in asked[1:])
        assert len(server.seen) - len(asked) <= 6 * 20


@pytest.mark.parametrize("fault", ["500", "503"])
async def test_a_server_that_is_in_trouble_for_a_while_costs_no_page(fault: str) -> None:
    """It is asked about what it has read, too, and answers that no better."""
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        await runtime.ask(page(99), LONG_S)
        trouble = server.faults.add(fault)
        asking = asyncio.create_task(outcomes(runtime, range(10)))
        await until(lambda: sum(seen.image == image_hash(99) for seen in server.seen) >= 3)
        assert not asking.done()
        server.faults.faults.remove(trouble)
        assert all(isinstance(read, Recognition) for read in await asking)
