"""One server, spoken to: every fault of it becomes the trouble that it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bocr_worker.runtimes.openai.client import ChatClient, Served
from bocr_worker.runtimes.openai.streaming import ABORTED
from bocr_worker.runtimes.openai.troubles import (
    Broken,
    Faulty,
    Overloaded,
    Refused,
    ShutOut,
    TooLate,
    TooLong,
    Trouble,
)
from tests.worker.stand_in import Settings, StandIn

pytest.importorskip("aiohttp")
LONG_S, SHORT_S = 30.0, 0.1


@asynccontextmanager
async def talking(
    settings: Settings | None = None, **client: Any
) -> AsyncIterator[tuple[StandIn, ChatClient]]:
    async with StandIn(settings) as server:
        asker = ChatClient(server.url, **client)
        await asker.open()
        try:
            yield server, asker
        finally:
            await asker.close()


def body(words: str = "Read.", stream: bool = False, **fields: Any) -> bytes:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    content = [image, {"type": "text", "text": words}]
    asked = {"model": "stand-in", "messages": [{"role": "user", "content": content}], "logprobs": True}
    if stream:
        asked |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps({**asked, "temperature": 0, **fields}).encode()


async def test_a_question_is_answered_with_text_tokens_and_what_it_cost() -> None:
    async with talking() as (server, client):
        said = await client.complete(body(), LONG_S)
        assert said.finish == "stop"
        assert said.tokens is not None
        assert b"".join(token.spelled for token in said.tokens).decode() == said.text
        assert said.usage.completion_tokens == len(said.tokens)
        assert said.usage.prompt_tokens == 1200
        assert server.served == 1


async def test_a_stream_says_the_same() -> None:
    async with talking() as (_, client):
        whole = await client.complete(body(), LONG_S)
        assert await client.stream(body(stream=True), LONG_S) == whole


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        ("500", Faulty),
        ("502", Faulty),
        ("503", Overloaded),
        ("429", Overloaded),
        ("400", Refused),
        ("413", Refused),
        ("401", ShutOut),
        ("403", ShutOut),
        ("404", ShutOut),
        ("reset", Broken),
    ],
)
async def test_each_refusal_is_told_apart_with_the_servers_words(
    fault: str, trouble: type[Trouble], stream: bool
) -> None:
    async with talking() as (server, client):
        server.faults.add(fault, times=1)
        ask = client.stream if stream else client.complete
        with pytest.raises(trouble) as caught:
            await ask(body(stream=stream), LONG_S)
        assert type(caught.value) is trouble
        if fault.isdigit():
            assert f"status {fault}: told to answer {fault}" in str(caught.value)
        assert (await ask(body(stream=stream), LONG_S)).text


@pytest.mark.parametrize("fault", ["reset_body", "malformed", "html", "no_choices"])
async def test_an_answer_that_is_none_is_a_fault(fault: str) -> None:
    async with talking() as (server, client):
        server.faults.add(fault, times=1)
        with pytest.raises(Faulty):
            await client.complete(body(), LONG_S)
        assert (await client.complete(body(), LONG_S)).text


async def test_a_server_that_is_not_there_is_a_fault() -> None:
    async with talking() as (server, client):
        await server.close()
        with pytest.raises(Faulty):
            await client.complete(body(), LONG_S)
        assert not await client.is_healthy(LONG_S)
        assert await client.load(LONG_S) is None
        assert await client.version() == ""


async def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    async with talking(most_answer_bytes=1 << 20) as (server, client):
        server.faults.add("huge", times=1)
        with pytest.raises(TooLong, match="1048576 bytes"):
            await client.complete(body(), LONG_S)
        assert (await client.complete(body(), LONG_S)).text


async def test_a_deadline_ends_the_question_and_the_server_drops_it() -> None:
    async with talking(Settings(slots=1)) as (server, client):
        server.faults.add("hang", times=1)
        with pytest.raises(TooLate, match=r"no answer within 0\.1 s"):
            await client.complete(body(), SHORT_S)
        assert (await client.complete(body(), LONG_S)).text
        assert server.deserted == 1


async def test_a_question_that_is_cancelled_frees_its_slot() -> None:
    async with talking(Settings(slots=1, held=True)) as (server, client):
        asking = asyncio.create_task(client.complete(body(), LONG_S))
        while not server.slots.running:
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while not server.deserted:
            await asyncio.sleep(0)
        server.release()
        assert (await client.complete(body(), LONG_S)).text


async def test_retry_after_is_heard() -> None:
    async with talking(Settings(retry_after="7")) as (server, client):
        server.faults.add("429", times=1)
        with pytest.raises(Overloaded) as caught:
            await client.complete(body(), LONG_S)
        assert caught.value.retry_after_s == 7


async def test_a_stream_that_goes_round_in_circles_is_stopped_early() -> None:
    async with talking(Settings(service="0.2")) as (server, client):
        server.faults.add("loop")
        said = await client.stream(body(stream=True, max_tokens=12_000), LONG_S)
        assert said.finish == ABORTED
        assert 3000 < len(said.text) < 9000
        assert said.tokens is not None and len(said.tokens) < 3000


async def test_the_model_is_the_one_asked_for_or_the_only_one() -> None:
    async with talking() as (_, client):
        known = Served("stand-in", "/models/stand-in", 16384)
        assert await client.served("") == known
        assert await client.served("stand-in") == known
        assert await client.served("/models/stand-in") == known
        with pytest.raises(ShutOut, match="has no model 'chandra'; it has stand-in"):
            await client.served("chandra")
        assert await client.version() == "0.11.2"


async def test_only_who_has_the_key_is_let_in() -> None:
    async with talking(Settings(api_key="sesame")) as (server, stranger):
        with pytest.raises(ShutOut, match="401: Unauthorized"):
            await stranger.complete(body(), LONG_S)
        assert await stranger.is_healthy(LONG_S)
        friend = ChatClient(server.url, "sesame")
        await friend.open()
        assert (await friend.complete(body(), LONG_S)).text
        await friend.close()


async def test_health_is_what_the_server_says_of_it_in_time() -> None:
    async with talking(Settings(slots=1, held=True, health_stall_s=5)) as (server, client):
        assert await client.is_healthy(LONG_S)
        asking = asyncio.create_task(client.complete(body(), LONG_S))
        while not server.slots.running:
            await asyncio.sleep(0)
        assert not await client.is_healthy(0.05)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        while server.slots.running:
            await asyncio.sleep(0)
        server.healthy = False
        assert not await client.is_healthy(LONG_S)


async def test_the_load_is_what_runs_and_waits() -> None:
    async with talking(Settings(slots=2, held=True)) as (server, client):
        asking = [asyncio.create_task(client.complete(body(str(n)), LONG_S)) for n in range(5)]
        while server.slots.waiting < 3:
            await asyncio.sleep(0)
        load = await client.load()
        assert load is not None and (load.running, load.waiting) == (2, 3)
        server.release()
        await asyncio.gather(*asking)
        load = await client.load()
        assert load is not None and load.tokens == server.completion_tokens > 0


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with talking() as (_, client):
        assert (await client.complete(body(), LONG_S)).text


async def test_many_questions_share_the_servers_slots() -> None:
    async with talking(Settings(slots=8, service="0.005")) as (server, client):
        answers = await asyncio.gather(*(client.complete(body(str(n)), LONG_S) for n in range(100)))
        assert len({said.text for said in answers}) == 100
        assert server.slots.occupancy()["peak_running"] == 8
