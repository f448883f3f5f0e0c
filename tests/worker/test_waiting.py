"""The line of drawn pages between renderers and engine."""

from __future__ import annotations

import asyncio

from bocr_worker.waiting import Waiting


async def settled(task: asyncio.Task[None]) -> bool:
    """Whether it is done once everything that can happen has happened."""
    for _ in range(5):
        await asyncio.sleep(0)
    return task.done()


async def test_who_came_first_goes_first_and_the_line_has_an_end() -> None:
    line: Waiting[str] = Waiting(lambda: 2, 1000)
    await line.put("a", 1)
    await line.put("b", 1)
    third = asyncio.create_task(line.put("c", 1))
    assert not await settled(third)
    assert await line.get() == "a"
    assert await settled(third)
    assert [await line.get(), await line.get()] == ["b", "c"]
    assert (len(line), line.bytes) == (0, 0)


async def test_large_pages_fill_it_sooner_and_one_always_fits() -> None:
    line: Waiting[str] = Waiting(lambda: 10, 100)
    await line.put("huge", 5000)
    small = asyncio.create_task(line.put("small", 1))
    assert not await settled(small)
    assert await line.get() == "huge"
    assert await settled(small)


async def test_it_gets_longer_while_somebody_waits_to_get_in() -> None:
    most = 1
    line: Waiting[str] = Waiting(lambda: most, 1000)
    await line.put("a", 1)
    second = asyncio.create_task(line.put("b", 1))
    assert not await settled(second)
    most = 2
    line.changed()
    assert await settled(second)


async def test_who_asks_before_anything_is_there_gets_it_when_it_comes() -> None:
    line: Waiting[str] = Waiting(lambda: 1, 1000)
    asking = asyncio.create_task(line.get())
    await asyncio.sleep(0)
    await line.put("a", 1)
    assert await asking == "a"
