"""Pages through servers that fail: what is asked again, what is the page's fault, and what ends the job."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.vision.versions import Versions
from bocr_worker.protocol.failures import FailureClass
from bocr_worker.protocol.manifest import EngineOrder
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.base import AskFailed, RuntimeBroken
from bocr_worker.runtimes.openai.runtime import OpenAiRuntime
from tests.worker.stand_in import Settings, StandIn
from tests.worker.vision_engines import (
    LONG_S,
    QUICK,
    SHORT_S,
    image_hash,
    outcomes,
    page,
    running,
    runtime_at,
    until,
    with_vision,
)

pytest.importorskip("aiohttp")


# -- what a recognition holds --------------------------------------------------------------------------


async def test_a_page_is_read_with_its_cost_its_confidence_and_its_prompt() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        read = await runtime.ask(page(), LONG_S)
        assert read.text and read.markdown and read.raw == read.text
        assert (read.finish, read.language, read.markup_problem) == ("stop", "fr", None)
        assert read.usage.prompt_tokens == 1200
        assert read.confidence.mean is not None and read.confidence.mean > 0.95
        assert read.confidence.minimum is not None and read.confidence.minimum <= read.confidence.mean
        assert read.extra["prompt"].startswith("plain ")
        assert "doubtful" not in read.extra


async def test_the_model_is_known_by_what_its_server_says() -> None:
    async with StandIn() as server:
        runtime = runtime_at(server.url)
        identity = await runtime.start()
        await runtime.close()
        assert (identity.version, identity.weights) == ("vllm 0.11.2", "/models/stand-in")


async def test_a_doubtful_region_is_found_in_the_text_and_in_its_blocks() -> None:
    async with StandIn(Settings(markup="deepseek", tokens="240")) as server:
        server.faults.add("doubt")
        async with running(runtime_at(server.url, prompt="grounded")) as runtime:
            read = await runtime.ask(page(), LONG_S)
    assert read.confidence.mean is not None and read.confidence.minimum is not None
    assert read.confidence.minimum < 0.5 < read.confidence.mean
    assert len(read.blocks) == 20
    sure = [block.confidence for block in read.blocks]
    assert all(confidence is not None for confidence in sure)
    assert sure[0] is not None and sure[0] > 0.95
    assert min(confidence for confidence in sure if confidence is not None) < 0.2
    assert read.raw is not None
    start, end, mean = read.extra["doubtful"][0]
    assert 0 < start < end <= len(read.raw) and mean < 0.2


async def test_without_probabilities_confidence_is_unknown() -> None:
    async with StandIn() as server:
        server.faults.add("no_logprobs", times=1)
        async with running(runtime_at(server.url)) as runtime:
            assert (await runtime.ask(page(), LONG_S)).confidence.mean is None
        async with running(runtime_at(server.url, logprobs=False)) as runtime:
            assert (await runtime.ask(page(), LONG_S)).confidence.mean is None
        assert "logprobs" not in server.seen[-1].body


async def test_what_a_variation_says_reaches_the_server() -> None:
    async with StandIn() as server, running(runtime_at(server.url, max_tokens=500)) as runtime:
        await runtime.ask(page(prompt="grounded", temperature=0.4, seed=7), LONG_S)
        await runtime.ask(page(retry=2), LONG_S)
        first, second = server.seen
        assert first.prompt == "Read this page, with places."
        assert (first.body["temperature"], first.body["seed"], first.body["max_tokens"]) == (0.4, 7, 500)
        assert second.prompt == "Read this page."
        assert (second.body["temperature"], second.body["max_tokens"]) == (0.4, 500)


async def test_a_prompt_that_there_is_not_breaks_the_job_and_not_page_after_page() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        with pytest.raises(RuntimeBroken, match=r"prompt 'grounding' is unknown\. Did you mean 'grounded'"):
            await runtime.ask(page(prompt="grounding"), LONG_S)


async def test_fields_are_those_of_the_servers_version() -> None:
    spec = with_vision(fields=lambda version, options: {"vllm_xargs": {"at": list(version or ())}})
    async with StandIn(Settings(version="0.12.0rc1")) as server:
        runtime = OpenAiRuntime(spec, EngineOrder("x", options={**QUICK, "url": server.url}), Path())
        async with running(runtime):
            await runtime.ask(page(), LONG_S)
        assert server.seen[0].body["vllm_xargs"] == {"at": [0, 12, 0]}


async def test_a_server_whose_version_cannot_load_the_model_is_refused() -> None:
    spec = with_vision(served_by=Versions(since=(0, 12)))
    async with StandIn() as server:
        runtime = OpenAiRuntime(spec, EngineOrder("x", options={**QUICK, "url": server.url}), Path())
        with pytest.raises(EngineUnavailable, match=r"0\.11\.2 cannot load"):
            await runtime.start()


async def test_a_parser_that_fails_names_the_class_and_keeps_the_answer() -> None:
    def broken(answer: Any) -> Any:
        raise KeyError("no such label")

    spec = with_vision(parse=broken)
    async with StandIn() as server:
        runtime = OpenAiRuntime(spec, EngineOrder("x", options={**QUICK, "url": server.url}), Path())
        async with running(runtime):
            read = await runtime.ask(page(), LONG_S)
    assert read.markup_problem is not None and "KeyError" in read.markup_problem
    assert read.raw


# -- answers that are the page's own failure -----------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_the_end_of_an_answer_is_always_told(stream: bool) -> None:
    async with StandIn() as server, running(runtime_at(server.url, stream=stream)) as runtime:
        server.faults.add("truncated", image=image_hash(1))
        server.faults.add("empty", image=image_hash(2))
        server.faults.add("loop", image=image_hash(3))
        reads = [await runtime.ask(page(number), LONG_S) for number in range(4)]
        assert [read.finish for read in reads] == [
            "stop",
            "length",
            "stop",
            "aborted" if stream else "length",
        ]
        assert reads[2].text == ""
        tokens = reads[3].usage.completion_tokens
        assert tokens is not None and (tokens < 2000) == stream


async def test_broken_markup_is_the_pages_problem() -> None:
    async with StandIn(Settings(markup="deepseek")) as server:
        server.faults.add("markup", times=1)
        async with running(runtime_at(server.url, prompt="grounded")) as runtime:
            read = await runtime.ask(page(), LONG_S)
            assert read.markup_problem is not None and "no list of numbers" in read.markup_problem
            assert (await runtime.ask(page(), LONG_S)).markup_problem is None


async def test_a_page_that_hangs_times_out_alone() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        server.faults.add("hang", image=image_hash(2))
        results = await outcomes(runtime, range(4), deadline_s=SHORT_S)
        failed = results.pop(2)
        assert isinstance(failed, AskFailed)
        assert (failed.failure, failed.charged) == (FailureClass.TIMEOUT, True)
        assert "no answer within 0.3 s" in failed.cause
        assert all(isinstance(read, Recognition) for read in results)


async def test_a_page_that_the_server_refuses_fails_with_the_servers_words() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        server.faults.add("400", image=image_hash(1))
        results = await outcomes(runtime, range(3))
        assert isinstance(results[1], AskFailed)
        assert (results[1].failure, results[1].charged) == (FailureClass.TRANSPORT, True)
        assert "told to answer 400" in results[1].detail
        assert len(server.seen) == 3


async def test_an_answer_without_an_end_is_a_runaway() -> None:
    async with StandIn() as server, running(runtime_at(server.url, most_answer_bytes=1 << 20)) as runtime:
        server.faults.add("huge", times=1)
        with pytest.raises(AskFailed) as caught:
            await runtime.ask(page(), LONG_S)
        assert caught.value.failure is FailureClass.RUNAWAY


# -- what is asked again -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", ["500", "503", "429", "reset", "reset_body", "malformed", "html", "no_choices"]
)
async def test_a_passing_fault_is_nobodys_failure(fault: str) -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        server.faults.add(fault, times=5)
        results = await outcomes(runtime, range(12))
        assert all(isinstance(read, Recognition) for read in results)
        assert len(server.seen) == 17
        assert server.served >= 12
        assert all(lane.failing == 0 for lane in runtime.lanes)


async def test_a_page_on_which_the_server_always_fails_is_given_up_and_not_charged() -> None:
    async with StandIn(Settings(slots=2)) as server, running(runtime_at(server.url)) as runtime:
        server.faults.add("500", image=image_hash(3))
        results = await outcomes(runtime, range(60))
        failed = results.pop(3)
        assert isinstance(failed, AskFailed)
        assert (failed.failure, failed.charged) == (FailureClass.TRANSPORT, False)
        assert "told to answer 500" in failed.detail
        assert all(isinstance(read, Recognition) for read in results)
        assert sum(seen.fault == "500" for seen in server.seen) <= 8


async def test_the_last_page_of_a_job_is_given_up_too() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        server.faults.add("500")
        with pytest.raises(AskFailed) as caught:
            await runtime.ask(page(), LONG_S)
        assert not caught.value.charged
        assert len(server.seen) == 8


async def test_no_page_is_given_up_while_the_server_fails_for_all() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        fault = server.faults.add("500")
        asking = asyncio.create_task(outcomes(runtime, range(10)))
        await until(lambda: len(server.seen) >= 90)
        assert not asking.done()
        server.faults.faults.remove(fault)
        assert all(isinstance(read, Recognition) for read in await asking)


async def test_nothing_but_errors_for_too_long_ends_the_job_with_the_cause() -> None:
    async with StandIn() as server, running(runtime_at(server.url, outage_s=0.2, restarts=0)) as runtime:
        server.faults.add("500")
        results = await outcomes(runtime, range(10))
        assert all(isinstance(error, RuntimeBroken) for error in results)
        assert "nothing but errors for 0.2 s" in str(results[0])


async def test_a_wrong_key_ends_the_job_at_once_with_the_servers_words() -> None:
    async with StandIn(Settings(api_key="sesame")) as server:
        with pytest.raises(RuntimeBroken, match="does not let us in: status 401: Unauthorized"):
            await runtime_at(server.url).start()


async def test_a_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with StandIn(Settings(api_key="sesame")) as server:
        with pytest.raises(RuntimeBroken, match="has no MODEL_KEY"):
            await runtime_at(server.url, api_key_env="MODEL_KEY").start()
        monkeypatch.setenv("MODEL_KEY", "sesame")
        async with running(runtime_at(server.url, api_key_env="MODEL_KEY")) as runtime:
            assert (await runtime.ask(page(), LONG_S)).text


async def test_a_server_that_shuts_us_out_later_ends_the_job() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        assert (await runtime.ask(page(), LONG_S)).text
        server.faults.add("403")
        with pytest.raises(RuntimeBroken, match="told to answer 403"):
            await runtime.ask(page(1), LONG_S)


async def test_a_server_that_knows_none_of_our_questions_ends_the_job_after_a_few() -> None:
    async with StandIn() as server, running(runtime_at(server.url)) as runtime:
        server.faults.add("400")
        results = [(await outcomes(runtime, range(number, number + 1)))[0] for number in range(8)]
        assert all(isinstance(error, AskFailed) for error in results[:7])
        assert isinstance(results[7], RuntimeBroken)
        assert "refuses every question: status 400: told to answer 400" in str(results[7])


async def test_a_server_that_is_not_there_is_waited_for_and_then_given_up() -> None:
    async with StandIn() as server:
        pass
    with pytest.raises(RuntimeBroken, match=r"did not answer for 0\.2 s \(outage_s\)"):
        await runtime_at(server.url, outage_s=0.2).start()
    starting = asyncio.create_task(runtime_at(server.url).start())
    await asyncio.sleep(0)
    await server.start()
    assert (await starting).version == "vllm 0.11.2"
    await server.close()


async def test_pages_in_flight_survive_a_server_that_is_started_again_by_others() -> None:
    async with StandIn(Settings(held=True)) as server, running(runtime_at(server.url)) as runtime:
        asking = asyncio.create_task(outcomes(runtime, range(6)))
        await until(lambda: len(server.seen) == 6)
        await server.close()
        await until(lambda: not runtime.lanes[0].is_up)
        await server.start()
        server.release()
        assert all(isinstance(read, Recognition) for read in await asking)


# -- how many, and where -------------------------------------------------------------------------------


async def test_it_asks_as_many_as_the_server_serves_and_a_few_more() -> None:
    settings = Settings(slots=8, service="0.05-0.15")
    async with StandIn(settings) as server, running(runtime_at(server.url, max_in_flight=100)) as runtime:
        await outcomes(runtime, range(150))
        half = len(server.slots.moments) // 2
        assert server.slots.occupancy()["peak_running"] == 8
        assert runtime.most_slots == 100
        assert 8 <= runtime.slots <= 12
        assert 8 <= runtime.facts["in_flight_limit"] <= 15
        assert max(moment.waiting for moment in server.slots.moments[half:]) <= 7


async def test_refusals_for_load_make_it_ask_fewer_until_none_is_refused() -> None:
    settings = Settings(slots=4, most_waiting=0, service="0.003", metrics=False)
    async with StandIn(settings) as server, running(runtime_at(server.url)) as runtime:
        results = await outcomes(runtime, range(200))
        assert all(isinstance(read, Recognition) for read in results)
        refused = len(server.seen) - server.served
        assert 0 < refused < 200
        assert runtime.facts["in_flight_limit"] < 16


async def test_nobody_asks_before_retry_after_is_over() -> None:
    async with StandIn(Settings(retry_after="0.2")) as server, running(runtime_at(server.url)) as runtime:
        server.faults.add("429", times=1)
        await runtime.ask(page(), LONG_S)
        await runtime.ask(page(1), LONG_S)
        turned_away, first, _ = server.seen
        assert first.at - turned_away.at >= 0.2


async def test_pages_are_spread_over_servers_and_a_slow_one_gets_fewer() -> None:
    slow, quick = StandIn(Settings(service="0.06", slots=4)), StandIn(Settings(service="0.006", slots=4))
    async with slow, quick, running(runtime_at(slow.url, quick.url, max_in_flight=4)) as runtime:
        await until(lambda: all(lane.is_up for lane in runtime.lanes))
        await outcomes(runtime, range(120))
        assert slow.served + quick.served == 120
        assert 4 <= slow.served < quick.served


async def test_a_server_that_comes_up_later_gets_its_pages_too() -> None:
    async with StandIn(Settings(slots=4)) as first:
        second = StandIn(Settings(slots=4))
        await second.start()
        port = second.port
        await second.close()
        runtime = runtime_at(first.url, f"http://127.0.0.1:{port}", max_in_flight=8)
        changes: list[int] = []
        runtime.on_change(lambda: changes.append(runtime.slots))
        async with running(runtime):
            assert (runtime.slots, runtime.most_slots) == (8, 16)
            assert runtime.facts["servers_up"] == 1
            await second.start("127.0.0.1", port)
            await until(lambda: 16 in changes)
            assert runtime.facts["servers_up"] == 2
        await second.close()


async def test_it_tells_what_its_servers_have_to_do_and_how_long_they_had_nothing() -> None:
    async with StandIn(Settings(slots=2, held=True)) as server, running(runtime_at(server.url)) as runtime:
        idle_s = runtime.facts["idle_s"]
        asking = asyncio.create_task(outcomes(runtime, range(5)))
        await until(lambda: (runtime.facts.get("running"), runtime.facts.get("waiting")) == (2, 3))
        assert runtime.facts["idle_s"] <= idle_s + 0.5
        server.release()
        await asking


async def test_when_one_of_two_servers_goes_the_other_takes_its_pages() -> None:
    one, two = StandIn(Settings(held=True)), StandIn(Settings())
    async with one, two, running(runtime_at(one.url, two.url, outage_s=0.2, restarts=0)) as runtime:
        await until(lambda: all(lane.is_up for lane in runtime.lanes))
        asking = asyncio.create_task(outcomes(runtime, range(10)))
        await until(lambda: len(one.seen) >= 2)
        await one.close()
        assert all(isinstance(read, Recognition) for read in await asking)
        assert two.served == 10
        await two.close()
        with pytest.raises(RuntimeBroken, match="no sign of health"):
            await runtime.ask(page(), LONG_S)


async def test_an_engine_that_hangs_behind_a_healthy_server_is_found_by_its_silence() -> None:
    async with StandIn() as server, running(runtime_at(server.url, stall_s=0.15)) as runtime:
        server.faults.add("lost", times=4)
        results = await outcomes(runtime, range(4))
        assert all(isinstance(read, Recognition) for read in results)
        assert runtime.facts["restarts"] == 1


async def test_a_health_that_stalls_under_load_is_no_reason_to_give_a_server_up() -> None:
    settings = Settings(slots=2, service="0.01", health_stall_s=0.05)
    async with StandIn(settings) as server, running(runtime_at(server.url)) as runtime:
        results = await outcomes(runtime, range(60))
        assert all(isinstance(read, Recognition) for read in results)
        assert runtime.facts["restarts"] == 0


# -- the end -------------------------------------------------------------------------------------------


async def test_a_page_that_is_cancelled_frees_its_place() -> None:
    async with StandIn(Settings(held=True)) as server, running(runtime_at(server.url, max_in_flight=1)) as r:
        first = asyncio.create_task(r.ask(page(), LONG_S))
        await until(lambda: len(server.seen) == 1)
        second = asyncio.create_task(r.ask(page(1), LONG_S))
        first.cancel()
        await until(lambda: len(server.seen) == 2)
        server.release()
        assert (await second).text
        assert r.lanes[0].gate.inside == 0


async def test_closing_sends_everybody_away() -> None:
    async with StandIn(Settings(held=True)) as server:
        runtime = runtime_at(server.url, max_in_flight=2)
        await runtime.start()
        asking = asyncio.create_task(outcomes(runtime, range(5)))
        await until(lambda: len(server.seen) == 2)
        await runtime.close()
        assert all(isinstance(error, RuntimeBroken) for error in await asking)
        with pytest.raises(RuntimeBroken, match="not running"):
            await runtime.ask(page(), LONG_S)
        await until(lambda: server.deserted == 2)
