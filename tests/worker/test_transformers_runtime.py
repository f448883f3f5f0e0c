"""The runtime with real child processes and tiny models: batches, deadlines, memory that does not suffice,
deaths, and code that lies beside the weights."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers", minversion="4.57")

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import AskFailed, RuntimeBroken
from bocr_worker.runtimes.transformers import lane as lane_module
from tests.worker.tiny_engine import BAD, INFER, LONG_S, native_call, page, running, runtime_of
from tests.worker.tiny_models import make_tiny
from tests.worker.tiny_models.moody import make_moody, make_own

QWEN = native_call("qwen3_vl")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny("qwen3_vl", tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_moody(tmp_path_factory.mktemp("moody"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_own(tmp_path_factory.mktemp("own"))


def moods(folder: Path, mood: str = "", most: int = 100, **said: Any) -> Any:
    environment = {"MOOD": mood, "MOST": str(most)}
    return runtime_of(folder, QWEN, trust_remote_code=True, environment=environment, **said)


async def read_all(runtime: Any, count: int, first: int = 0, **options: Any) -> list[Recognition]:
    asks = (runtime.ask(page(first + mark, **options), LONG_S) for mark in range(count))
    return list(await asyncio.gather(*asks))


# -- batches -------------------------------------------------------------------------------------------


async def test_pages_that_wait_are_read_in_one_batch(tiny: Path) -> None:
    async with running(runtime_of(tiny, QWEN, batch_size=4)) as runtime:
        assert runtime.slots == 8
        answers = await read_all(runtime, 8)
        assert runtime.lanes[0].batches == 2
        assert runtime.facts["pages_a_batch"] == 4.0
        assert runtime.facts["load_s"] > 0 and runtime.facts["servers_up"] == 1
        pids = runtime.pids
    for answer in answers:
        assert answer.finish in ("length", "stop")
        assert answer.language == "fr"
        assert answer.usage.prompt_tokens and answer.usage.completion_tokens
        assert answer.confidence.mean is not None and 0 < answer.confidence.mean < 1
        assert answer.extra["prompt"].startswith("plain ")
    assert not any(map(is_alive, pids)), "no process survives"


async def test_a_variation_of_the_prompt_or_the_numbers_is_heard(tiny: Path) -> None:
    prompts = {"plain": "Read.", "long": "Read this whole page with all its lines."}
    async with running(runtime_of(tiny, QWEN, prompts=prompts)) as runtime:
        plain, long, short = await asyncio.gather(
            runtime.ask(page(), LONG_S),
            runtime.ask(page(prompt="long"), LONG_S),
            runtime.ask(page(max_tokens=2), LONG_S),
        )
        assert long.usage.prompt_tokens > plain.usage.prompt_tokens
        assert short.usage.completion_tokens == 2
        with pytest.raises(RuntimeBroken, match="prompt 'lang' is unknown"):
            await runtime.ask(page(prompt="lang"), LONG_S)


async def test_two_processes_share_the_pages(tiny: Path) -> None:
    async with running(runtime_of(tiny, QWEN, processes=2, batch_size=2)) as runtime:
        assert len(set(runtime.pids)) == 2
        assert len(await read_all(runtime, 8)) == 8
        assert all(lane.batches for lane in runtime.lanes)


# -- a page that is to blame, and pages that are not ---------------------------------------------------


async def test_a_page_past_its_deadline_fails_alone(tiny: Path) -> None:
    async with running(runtime_of(tiny, QWEN, stop_loops=False)) as runtime:
        late = asyncio.create_task(runtime.ask(page(1, max_tokens=3000), 0.2))
        read = asyncio.create_task(runtime.ask(page(2), LONG_S))
        assert (await read).finish
        with pytest.raises(AskFailed) as caught:
            await late
        assert caught.value.failure is FailureClass.TIMEOUT and caught.value.charged
        assert "tokens after 0.2 s" in caught.value.cause
        assert runtime.facts["restarts"] == 0


async def test_a_process_that_hangs_is_killed_and_the_page_is_late(
    moody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_module, "GRACE_S", 0.0)
    async with running(moods(moody, "slow")) as runtime:
        before = runtime.pids
        with pytest.raises(AskFailed) as caught:
            await runtime.ask(page(), 0.05)
        assert caught.value.failure is FailureClass.TIMEOUT
        assert not any(map(is_alive, before))
        assert (await runtime.ask(page(), LONG_S)).usage.completion_tokens


async def test_memory_that_does_not_suffice_halves_the_batch_and_fails_no_page(moody: Path) -> None:
    async with running(moods(moody, most=2, batch_size=8)) as runtime:
        assert len(await read_all(runtime, 8)) == 8
        (lane,) = runtime.lanes
        assert lane.size.limit == 2
        assert runtime.facts["out_of_memory"] == 2, "of 8, and of 4"
        assert runtime.facts["restarts"] == 0


async def test_a_page_that_never_fits_is_failed_by_itself(moody: Path) -> None:
    async with running(moods(moody, "greedy", batch_size=4)) as runtime:
        bad = asyncio.create_task(runtime.ask(page(size=BAD), LONG_S))
        assert len(await read_all(runtime, 3)) == 3
        with pytest.raises(AskFailed) as caught:
            await bad
        assert caught.value.failure is FailureClass.TRANSPORT and caught.value.charged
        assert "too little memory for this page" in caught.value.cause
        assert "900.00 GiB" in caught.value.detail


async def test_an_error_in_a_batch_is_the_one_pages_that_makes_it_alone(moody: Path) -> None:
    async with running(moods(moody, "raise", batch_size=4)) as runtime:
        before = runtime.pids
        bad = asyncio.create_task(runtime.ask(page(size=BAD), LONG_S))
        assert len(await read_all(runtime, 3)) == 3
        with pytest.raises(AskFailed) as caught:
            await bad
        assert caught.value.charged and "ValueError" in caught.value.cause
        assert caught.value.detail == "this page is not to my liking"
        assert runtime.pids == before


@pytest.mark.parametrize(("mood", "how"), [("die", "exit status 9"), ("lost", "exit status 71")])
async def test_a_page_that_kills_its_process_does_not_take_its_neighbours_along(
    moody: Path, mood: str, how: str
) -> None:
    async with running(moods(moody, mood, batch_size=4)) as runtime:
        bad = asyncio.create_task(runtime.ask(page(size=BAD), LONG_S))
        assert len(await read_all(runtime, 3)) == 3
        with pytest.raises(AskFailed) as caught:
            await bad
        assert caught.value.failure is FailureClass.TRANSPORT and not caught.value.charged
        assert how in caught.value.detail
        # Asked again it goes alone at once, so that it kills nobody else's batch.
        again = asyncio.create_task(runtime.ask(page(size=BAD), LONG_S))
        assert len(await read_all(runtime, 2, first=10)) == 2
        with pytest.raises(AskFailed):
            await again
        assert runtime.facts["restarts"] >= 2 and runtime.facts["lost_s"] > 0


async def test_a_process_killed_from_outside_costs_only_what_it_was_reading(moody: Path) -> None:
    async with running(moods(moody, "slow", batch_size=2)) as runtime:
        (pid,) = runtime.pids
        reading = [asyncio.create_task(runtime.ask(page(mark), LONG_S)) for mark in range(6)]
        await reading[0]
        os.kill(pid, signal.SIGKILL)
        answers = await asyncio.gather(*reading)
        assert len(answers) == 6
        assert runtime.facts["restarts"] == 1
        assert runtime.pids != (pid,)


async def test_a_model_that_never_reads_a_page_is_given_up(moody: Path) -> None:
    async with running(moods(moody, "die", restarts=1)) as runtime:
        with pytest.raises(AskFailed):
            await runtime.ask(page(size=BAD), LONG_S)
        with pytest.raises((AskFailed, RuntimeBroken)):
            await runtime.ask(page(size=BAD), LONG_S)
        with pytest.raises(RuntimeBroken, match="ended 2 times without reading a page"):
            await runtime.ask(page(), LONG_S)


async def test_questions_that_are_all_taken_back_stop_the_work(moody: Path) -> None:
    async with running(moods(moody, "slow")) as runtime:
        before = runtime.pids
        reading = asyncio.create_task(runtime.ask(page(), LONG_S))
        while not runtime.lanes[0].is_reading:
            await asyncio.sleep(0.01)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        while any(map(is_alive, before)):
            await asyncio.sleep(0.01)
        assert (await runtime.ask(page(), LONG_S)).finish


async def test_what_keeps_a_model_from_loading_is_the_jobs_cause(tmp_path: Path, moody: Path) -> None:
    with pytest.raises(EngineUnavailable, match="there is no folder"):
        await runtime_of(tmp_path / "gone", QWEN).start()
    lost = runtime_of(moody, QWEN, environment={"PYTHONHASHSEED": "no number"})
    with pytest.raises(RuntimeBroken, match="cannot be loaded"):
        await lost.start()
    assert lost.pids == ()


async def test_a_slow_start_has_a_deadline(tiny: Path) -> None:
    runtime = runtime_of(tiny, QWEN, start_deadline_s=0.05)
    with pytest.raises(RuntimeBroken, match=r"no answer within 0\.05 s"):
        await runtime.start()


# -- code that lies beside the weights -----------------------------------------------------------------


PROMPTS = {name: f"Read {name}." for name in ("plain", "die", "raise", "quiet", "file")}


async def test_code_beside_the_weights_runs_only_if_it_is_trusted(own: Path) -> None:
    with pytest.raises(EngineUnavailable, match="trust_remote_code = true"):
        await runtime_of(own, INFER).start()


async def test_the_models_own_method_is_listened_to(own: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with running(runtime_of(own, INFER, prompts=PROMPTS, trust_remote_code=True)) as runtime:
        assert runtime.lanes[0].size.limit == 1, "it reads a page at a time"
        plain = await runtime.ask(page(), LONG_S)
        assert plain.usage.completion_tokens == 6 and plain.finish == "length"
        assert plain.confidence.mean is not None and 0 < plain.confidence.mean < 1
        its_own_limit = await runtime.ask(page(max_tokens=500), LONG_S)
        assert (its_own_limit.usage.completion_tokens, its_own_limit.finish) == (24, "length")
        left = await runtime.ask(page(prompt="file"), LONG_S)
        assert left.text == "left behind"
        warm = await runtime.ask(page(temperature=1.0, seed=3), LONG_S)
        assert warm.text != plain.text
        scratch = Path(runtime._scratch.name)
        assert not list(scratch.glob("page-*")), "nothing of a page stays"
    assert not scratch.exists()
    assert "=====" not in "".join(capfd.readouterr()), "what it prints is not the log's"


async def test_a_method_without_generate_leaves_end_and_confidence_unknown(own: Path) -> None:
    async with running(runtime_of(own, INFER, prompts=PROMPTS, trust_remote_code=True)) as runtime:
        quiet = await runtime.ask(page(prompt="quiet"), LONG_S)
    assert (quiet.text, quiet.finish) == ("text out of nowhere", "unknown")
    assert quiet.confidence.mean is None and quiet.usage.completion_tokens is None


async def test_a_method_that_raises_or_dies_fails_that_page(own: Path) -> None:
    async with running(runtime_of(own, INFER, prompts=PROMPTS, trust_remote_code=True)) as runtime:
        with pytest.raises(AskFailed, match="KeyError") as caught:
            await runtime.ask(page(prompt="raise"), LONG_S)
        assert caught.value.charged
        with pytest.raises(AskFailed, match="ended while reading") as died:
            await runtime.ask(page(prompt="die"), LONG_S)
        assert not died.value.charged
        assert (await runtime.ask(page(), LONG_S)).text


async def test_the_models_own_method_has_a_deadline(own: Path) -> None:
    async with running(runtime_of(own, INFER, trust_remote_code=True)) as runtime:
        with pytest.raises(AskFailed) as caught:
            await runtime.ask(page(max_tokens=500), 0.001)
        assert caught.value.failure is FailureClass.TIMEOUT


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
