"""Which questions go together, and how many: no model is needed to know."""

from __future__ import annotations

import asyncio

import pytest

from bocr_worker.engines.vision.sampling import OptionError, Sampling
from bocr_worker.protocol.manifest import EngineOrder, Limits
from bocr_worker.runtimes.base import RuntimeBroken
from bocr_worker.runtimes.registry import runtime_for
from bocr_worker.runtimes.transformers.batches import Asked, BatchSize, Waiting
from bocr_worker.runtimes.transformers.generating import no_repeat_of, pages_that_fit, sampling_keywords
from bocr_worker.runtimes.transformers.options import parse_options
from bocr_worker.runtimes.transformers.wire import Row
from tests.worker.tiny_engine import native_call, runtime_of, spec_for
from tests.worker.vision_engines import SPEC as SERVED_ONLY


def asked(mark: int = 0, *, alone: bool = False, **sampling: float) -> Asked:
    row = Row(b"%d" % mark, "Read.", "", Sampling(**sampling), 1.0)  # type: ignore[arg-type]
    return Asked(row, asyncio.get_running_loop().create_future(), alone)


async def test_what_waits_goes_together_up_to_the_limit() -> None:
    waiting = Waiting()
    for number in range(5):
        waiting.put(asked(number))
    first, second = await waiting.take(3), await waiting.take(3)
    assert [each.row.image for each in first] == [b"0", b"1", b"2"]
    assert [each.row.image for each in second] == [b"3", b"4"]


async def test_questions_of_another_kind_wait_for_their_own_batch() -> None:
    waiting = Waiting()
    for number, temperature in enumerate((0.0, 0.3, 0.0, 0.3)):
        waiting.put(asked(number, temperature=temperature, max_tokens=100 + number))
    batches = [await waiting.take(8), await waiting.take(8)]
    assert [[each.row.image for each in batch] for batch in batches] == [[b"0", b"2"], [b"1", b"3"]]


async def test_a_question_that_must_be_alone_is() -> None:
    waiting = Waiting()
    for number, alone in enumerate((False, True, False)):
        waiting.put(asked(number, alone=alone))
    sizes = [[each.row.image for each in await waiting.take(8)] for _ in range(2)]
    assert sizes == [[b"0", b"2"], [b"1"]]


async def test_the_last_questions_are_shared_by_the_lanes_that_wait() -> None:
    waiting = Waiting()
    takers = [asyncio.create_task(waiting.take(8)) for _ in range(2)]
    await asyncio.sleep(0)
    for number in range(6):
        waiting.put(asked(number))
    assert [len(batch) for batch in await asyncio.gather(*takers)] == [3, 3]


async def test_questions_that_nobody_waits_for_are_not_asked() -> None:
    waiting = Waiting()
    gone, stays = asked(1), asked(2)
    waiting.put(gone)
    waiting.put(stays)
    gone.answer.cancel()
    assert await waiting.take(8) == [stays]


async def test_after_the_end_every_question_gets_the_cause() -> None:
    waiting = Waiting()
    before, after = asked(1), asked(2)
    waiting.put(before)
    waiting.close(RuntimeBroken("the model is gone"))
    waiting.put(after)
    for each in (before, after):
        with pytest.raises(RuntimeBroken, match="the model is gone"):
            await each.answer


def test_a_batch_that_was_too_large_is_halved_and_never_tried_again_so_large() -> None:
    size = BatchSize(16)
    size.failed(16)
    assert size.limit == 8
    size.failed(8)
    assert (size.limit, size.too_many) == (4, 2)
    for _ in range(200):
        size.went_well(size.limit)
    assert size.limit == 7
    size.failed(1)
    assert size.limit == 1


def test_part_of_a_batch_says_nothing_of_a_whole_one() -> None:
    size = BatchSize(8)
    size.failed(8)
    for _ in range(100):
        size.went_well(2)
    assert size.limit == 4


def test_a_start_is_reckoned_from_the_memory_and_is_never_nothing() -> None:
    gib = 1024**3
    cache = 2 * 36 * 8 * 128 * 2
    assert pages_that_fit(60 * gib, cache, 10_000) == 26
    assert pages_that_fit(gib // 2, cache, 10_000) == 1
    assert pages_that_fit(60 * gib, 0, 10_000) == 1


def test_greedy_and_sampling_are_told_as_the_library_names_them() -> None:
    greedy = sampling_keywords(Sampling())
    assert greedy["do_sample"] is False and greedy["temperature"] is None
    warm = sampling_keywords(Sampling(temperature=0.5, top_p=0.9))
    assert warm == {"do_sample": True, "temperature": 0.5, "top_p": 0.9, "top_k": 0}


def test_a_servers_ngram_arguments_are_understood() -> None:
    fields = {"vllm_xargs": {"ngram_size": 20, "window_size": 50, "whitelist_token_ids": "[5, 6]"}}
    assert no_repeat_of(fields, []) is not None
    assert no_repeat_of({}, []) is None


def test_options_are_checked_by_name_and_kind() -> None:
    said = parse_options({"batch_size": 4, "model": "/m", "prompt": "x"}, ("prompt",))
    assert (said.batch_size, said.model) == (4, "/m")
    for wrong, words in (
        ({"batch_sice": 4}, "Did you mean 'batch_size'"),
        ({"batch_size": 0.5}, "whole number"),
        ({"trust_remote_code": "yes"}, "true or false"),
        ({"dtype": "int3"}, "bfloat16 or float16 or float32"),
        ({"start_deadline_s": 0}, "seconds above 0"),
        ({"environment": ["A=1"]}, "table of variables"),
        ({"model": "a\0b"}, "should be a text"),
    ):
        with pytest.raises(OptionError, match=words):
            parse_options(wrong, ("prompt",))


def test_an_engine_that_only_a_server_runs_is_refused() -> None:
    with pytest.raises(RuntimeBroken, match="no model that transformers can run"):
        runtime_for(SERVED_ONLY, EngineOrder("standin", "transformers"), Limits(), 1)
    with pytest.raises(RuntimeBroken, match="engine tiny: the option 'modell' is unknown"):
        order = EngineOrder("tiny", "transformers", options={"modell": "/m"})
        runtime_for(spec_for(native_call("qwen3_vl")), order, Limits(), 1)


async def test_nothing_can_be_asked_before_the_start(tmp_path: object) -> None:
    from pathlib import Path

    from tests.worker.tiny_engine import page

    runtime = runtime_of(Path(str(tmp_path)), native_call("qwen3_vl"))
    assert runtime.slots == 1
    with pytest.raises(RuntimeBroken, match="not running"):
        await runtime.ask(page(), 1.0)
