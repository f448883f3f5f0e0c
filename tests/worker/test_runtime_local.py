"""Engines in killable child processes."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bocr_worker.engines import rapidocr, tesseract
from bocr_worker.engines.base import Ask, EngineUnavailable, PageImage
from bocr_worker.engines.registry import engine_named
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder, Limits
from bocr_worker.runtimes.base import AskFailed, RuntimeBroken
from bocr_worker.runtimes.inline import InlineRuntime
from bocr_worker.runtimes.local import LocalRuntime, shares
from bocr_worker.runtimes.registry import runtime_for
from tests.worker.engine_pages import PANGRAM_FR, drawn, error_rate, image_of

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
NOOP = engine_named("noop")
LONG_S, SHORT_S = 30.0, 0.3


def page(encoded: bytes = b"page", **options: Any) -> Ask:
    return Ask(PageImage(encoded, "png", 100, 100, 72), ("fr",), options=options)


def local(engine: str = "noop", processes: int = 1, threads: int = 1, **options: Any) -> LocalRuntime:
    order = EngineOrder(engine, "local", processes, threads, options)
    return LocalRuntime(engine_named(engine), order, Limits(), cores=2)


@asynccontextmanager
async def running(runtime: LocalRuntime) -> AsyncIterator[LocalRuntime]:
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.close()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that another process does; the test's own timeout is the limit."""
    while not true():
        await asyncio.sleep(0.01)


async def test_an_engine_is_loaded_once_and_asked_page_after_page() -> None:
    runtime = local()
    identity = await runtime.start()
    pids = runtime.pids
    texts = {(await runtime.ask(page(bytes([n])), LONG_S)).text for n in range(20)}
    assert (identity.version, identity.weights) == ("1", "none")
    assert len(texts) == 20
    assert runtime.pids == pids
    await runtime.close()


async def test_a_page_that_hangs_times_out_and_the_next_one_is_read() -> None:
    async with running(local()) as runtime:
        before = runtime.pids
        with pytest.raises(AskFailed) as caught:
            await runtime.ask(page(hang=True), SHORT_S)
        assert caught.value.failure is FailureClass.TIMEOUT
        assert caught.value.charged
        assert (await runtime.ask(page(), LONG_S)).text
        assert not any(map(is_alive, before))


async def test_a_process_that_dies_is_replaced_and_the_page_not_blamed() -> None:
    async with running(local()) as runtime:
        with pytest.raises(AskFailed) as caught:
            await runtime.ask(page(die=True), LONG_S)
        assert caught.value.failure is FailureClass.TRANSPORT
        assert not caught.value.charged
        assert "exit status 70" in caught.value.detail
        assert (await runtime.ask(page(), LONG_S)).text


async def test_an_engine_that_raises_fails_that_page_and_lives_on() -> None:
    async with running(local()) as runtime:
        before = runtime.pids
        with pytest.raises(AskFailed) as caught:
            await runtime.ask(page(**{"raise": True}), LONG_S)
        assert caught.value.failure is FailureClass.TRANSPORT
        assert caught.value.charged
        assert "RuntimeError" in caught.value.cause
        assert caught.value.detail == "told to fail on this page"
        assert (await runtime.ask(page(), LONG_S)).text
        assert runtime.pids == before


async def test_slots_work_side_by_side() -> None:
    async with running(local(processes=2)) as runtime:
        assert runtime.slots == 2
        assert len(set(runtime.pids)) == 2
        hanging = asyncio.create_task(runtime.ask(page(hang=True), LONG_S))
        assert (await runtime.ask(page(), LONG_S)).text
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)


async def test_more_asks_than_slots_wait_for_one() -> None:
    async with running(local(processes=2)) as runtime:
        answers = await asyncio.gather(*(runtime.ask(page(bytes([n])), LONG_S) for n in range(12)))
        assert len({answer.text for answer in answers}) == 12


async def test_cancelling_an_ask_kills_its_process_and_frees_the_slot() -> None:
    async with running(local()) as runtime:
        (pid,) = runtime.pids
        asking = asyncio.create_task(runtime.ask(page(hang=True), LONG_S))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: not is_alive(pid))
        assert (await runtime.ask(page(), LONG_S)).text


async def test_closing_leaves_no_process_even_where_one_hangs() -> None:
    runtime = local(processes=2)
    await runtime.start()
    pids = runtime.pids
    asking = asyncio.create_task(runtime.ask(page(hang=True), LONG_S))
    await asyncio.sleep(0)
    await runtime.close()
    await asyncio.gather(asking, return_exceptions=True)
    assert len(pids) == 2
    await until(lambda: not any(map(is_alive, pids)))
    with pytest.raises(RuntimeBroken, match="not running"):
        await runtime.ask(page(), LONG_S)


async def test_closing_sends_the_asks_that_wait_away_and_starts_nothing_for_them() -> None:
    runtime = local()
    await runtime.start()
    asks = [asyncio.create_task(runtime.ask(page(hang=True), LONG_S)) for _ in range(3)]
    await asyncio.sleep(0)
    await runtime.close()
    answers = await asyncio.gather(*asks, return_exceptions=True)
    assert all(isinstance(answer, (AskFailed, RuntimeBroken)) for answer in answers)
    assert runtime.pids == ()


async def test_an_engine_that_cannot_be_loaded_breaks_the_runtime_with_its_cause() -> None:
    runtime = local(load="raise")
    with pytest.raises(RuntimeBroken, match="noop cannot be loaded: RuntimeError: told not to load"):
        await runtime.start()
    assert runtime.pids == ()


async def test_an_engine_that_dies_while_loading_is_given_up_after_a_few_tries() -> None:
    runtime = local(processes=2, load="die")
    with pytest.raises(RuntimeBroken, match=r"exit status 71.* 3 times in a row"):
        await runtime.start()
    assert runtime.pids == ()


async def test_an_engine_that_is_not_available_says_so_itself() -> None:
    with pytest.raises(EngineUnavailable, match="told to refuse"):
        await local(refuse=True).start()


async def test_what_is_missing_is_told_by_the_engine_itself() -> None:
    spec = replace(NOOP, name="nosuch")
    runtime = LocalRuntime(spec, EngineOrder("nosuch"), Limits(), cores=1)
    with pytest.raises(EngineUnavailable, match="no engine of this name"):
        await runtime.start()


@linux
async def test_libraries_are_told_how_many_threads_they_have() -> None:
    async with running(local(threads=3)) as runtime:
        environment = Path(f"/proc/{runtime.pids[0]}/environ").read_bytes().split(b"\0")
        assert {b"OMP_NUM_THREADS=3", b"OMP_THREAD_LIMIT=3"} <= set(environment)


def test_processes_and_threads_come_from_the_order_then_from_the_engine() -> None:
    spec = rapidocr.SPEC
    assert shares(spec, EngineOrder("rapidocr"), 2) == (1, 2)
    assert shares(spec, EngineOrder("rapidocr"), 4) == (1, 4)
    assert shares(spec, EngineOrder("rapidocr"), 20) == (5, 4)
    assert shares(spec, EngineOrder("rapidocr", processes=3), 8) == (3, 2)
    assert shares(spec, EngineOrder("rapidocr", threads=2), 8) == (4, 2)
    assert shares(spec, EngineOrder("rapidocr", processes=4, threads=1), 1) == (4, 1)
    assert shares(tesseract.SPEC, EngineOrder("tesseract"), 20) == (20, 1)


@linux
async def test_killing_the_process_kills_the_tesseract_it_started() -> None:
    if tesseract.check() is not None:
        pytest.skip("no tesseract here")
    noise = Image.effect_noise((1600, 1600), 200)
    async with running(local("tesseract")) as runtime:
        (pid,) = runtime.pids
        asking = asyncio.create_task(runtime.ask(Ask(image_of(noise), ()), LONG_S))
        await until(lambda: bool(children_of(pid)))
        grandchildren = children_of(pid)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await until(lambda: not any(map(is_running, grandchildren)))


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Alive and no zombie that only waits to be counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_rapidocr_reads_in_a_child_as_it_does_here() -> None:
    if rapidocr.check() is not None:
        pytest.skip("no rapidocr here")
    async with running(local("rapidocr", threads=2)) as runtime:
        recognition = await runtime.ask(Ask(image_of(drawn("phrase_fr")), ("fr",)), LONG_S)
        assert error_rate(PANGRAM_FR, recognition.text) < 0.02


@linux
async def test_rapidocr_stays_below_its_memory_on_the_largest_image_it_is_given() -> None:
    if rapidocr.check() is not None:
        pytest.skip("no rapidocr here")
    sheet = Image.new("L", (3000, 4000), 255)
    for number in range(4):
        sheet.paste(drawn("columns_fr"), (100 + number % 2 * 1500, 100 + number // 2 * 1800))
    assert sheet.width * sheet.height == rapidocr.SPEC.max_pixels
    async with running(local("rapidocr", threads=2)) as runtime:
        recognition = await runtime.ask(Ask(image_of(sheet, 300), ("fr",)), 120.0)
        status = Path(f"/proc/{runtime.pids[0]}/status").read_text()
    peak_kb = next(int(row.split()[1]) for row in status.splitlines() if row.startswith("VmHWM"))
    assert recognition.text.count("BULLETIN OFFICIEL") == 4
    assert peak_kb < 1_100_000


# -- inline, and which of them -------------------------------------------------------------------------


async def test_an_inline_engine_answers_in_well_under_a_millisecond() -> None:
    runtime = runtime_for(NOOP, EngineOrder("noop", "inline"), Limits(), cores=2)
    assert isinstance(runtime, InlineRuntime)
    await runtime.start()
    ask = page(bytes(120_000))
    begun = time.process_time()
    for _ in range(200):
        await runtime.ask(ask, LONG_S)
    assert (time.process_time() - begun) / 200 < 0.001
    await runtime.close()
    with pytest.raises(RuntimeBroken, match="not running"):
        await runtime.ask(ask, LONG_S)


async def test_an_inline_engine_that_raises_fails_that_page() -> None:
    runtime = InlineRuntime(NOOP, EngineOrder("noop", "inline"), cores=1)
    await runtime.start()
    with pytest.raises(AskFailed) as caught:
        await runtime.ask(page(**{"raise": True}), LONG_S)
    assert caught.value.failure is FailureClass.TRANSPORT
    assert caught.value.charged


def test_an_inline_engine_told_to_misbehave_runs_in_a_child() -> None:
    order = EngineOrder("noop", "inline", options={"hang": True})
    assert isinstance(runtime_for(NOOP, order, Limits(), 2), LocalRuntime)


def test_a_runtime_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(RuntimeBroken, match="'cloud'; known: local, inline"):
        runtime_for(NOOP, EngineOrder("noop", "cloud"), Limits(), 2)
