"""vLLM in a process of ours: what it is asked, what it answers, and what is refused, without vLLM itself."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bocr_worker.engines.base import PageImage
from bocr_worker.engines.vision.base import question_for
from bocr_worker.engines.vision.sampling import SAMPLING_OPTIONS, Sampling, sampling_from
from bocr_worker.runtimes.openai.answers import read_completion
from bocr_worker.runtimes.openai.reading import body_of
from bocr_worker.runtimes.vllm.ngrams import NoRunTwice, banned_next
from bocr_worker.runtimes.vllm.question import (
    BadQuestion,
    answer_body,
    open_image,
    read_question,
    sampling_of,
)
from tests.worker.vision_engines import VISION


def png(width_px: int = 30, height_px: int = 20) -> PageImage:
    stream = io.BytesIO()
    Image.new("L", (width_px, height_px), 200).save(stream, "PNG")
    return PageImage(stream.getvalue(), "png", width_px, height_px, 72.0)


def body(**changes: Any) -> bytes:
    question = question_for(VISION, png(), {}, None)
    said = json.loads(body_of(question, "m", stream=False, logprobs=True))
    return json.dumps({**said, **changes}).encode()


def test_what_the_runtime_asks_is_understood() -> None:
    question = read_question(body())
    assert (question.system, question.text) == ("", "Read this page.")
    assert question.image is not None and open_image(question.image).size == (30, 20)
    assert open_image(question.image).mode == "RGB"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no list of messages"),
        (json.dumps({"messages": ["x"]}).encode(), "no list of messages"),
        (body(stream=True), "not streamed"),
        (
            json.dumps(
                {
                    "messages": [
                        {
                            "role": "user",
                            "content": [
                                {"type": "image_url", "image_url": {"url": "http://169.254.169.254/x.png"}}
                            ],
                        }
                    ]
                }
            ).encode(),
            "not in the question itself",
        ),
    ],
)
def test_what_is_no_question_is_refused_in_words(raw: bytes, words: str) -> None:
    with pytest.raises(BadQuestion, match=words):
        read_question(raw)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(raw: bytes) -> None:
    with contextlib.suppress(BadQuestion):
        read_question(raw)


def test_an_image_that_is_none_is_refused() -> None:
    with pytest.raises(BadQuestion, match="cannot be opened"):
        open_image(b"\x89PNG\r\n\x1a\nnothing")


class Params(SimpleNamespace):
    """Takes whatever it is given, as vLLM's would."""


BODY: Mapping[str, Any] = {
    "temperature": 0.2,
    "top_p": 0.9,
    "max_tokens": 100,
    "logprobs": True,
    "skip_special_tokens": False,
    "vllm_xargs": {"ngram_size": 3, "window_size": 50, "whitelist_token_ids": [7]},
    "model": "m",
}


def test_the_first_engine_is_given_its_processors_as_objects_and_the_second_their_arguments() -> None:
    first = sampling_of(BODY, Params, first_engine=True)
    assert first.logprobs == 0 and first.max_tokens == 100 and first.skip_special_tokens is False
    (processor,) = first.logits_processors
    assert isinstance(processor, NoRunTwice) and not hasattr(first, "extra_args")
    second = sampling_of(BODY, Params, first_engine=False)
    assert second.extra_args == BODY["vllm_xargs"] and not hasattr(second, "logits_processors")


def test_every_number_that_an_order_may_name_reaches_the_engine() -> None:
    said = {
        "temperature": 0.7,
        "top_p": 0.8,
        "max_tokens": 9,
        "seed": 5,
        "top_k": 20,
        "repetition_penalty": 1.1,
    }
    assert set(said) == set(SAMPLING_OPTIONS)
    body = sampling_from(Sampling(), said).fields()
    assert vars(sampling_of(body, Params, first_engine=False)) == said


def test_numbers_that_the_engine_refuses_are_a_bad_question() -> None:
    def params(**words: Any) -> Any:
        raise ValueError("temperature must be non-negative")

    with pytest.raises(BadQuestion, match="non-negative"):
        sampling_of({"temperature": -1}, params, first_engine=False)


def test_an_answer_is_read_by_the_runtime_as_it_was_said() -> None:
    known = [
        {5: SimpleNamespace(decoded_token="Dahir", logprob=-0.1)},
        {6: SimpleNamespace(decoded_token=" ظهير", logprob=float("-inf"))},
        None,
    ]
    said = SimpleNamespace(text="Dahir ظهير", token_ids=[5, 6, 2], logprobs=known, finish_reason="length")
    output = SimpleNamespace(outputs=[said], prompt_token_ids=[1, 2, 3], request_id="bocr-1")
    read = read_completion(answer_body("m", output))
    assert (read.text, read.finish) == ("Dahir ظهير", "length")
    assert (read.usage.prompt_tokens, read.usage.completion_tokens) == (3, 3)
    assert read.tokens is not None and [token.spelled.decode() for token in read.tokens[:2]] == [
        "Dahir",
        " ظهير",
    ]
    assert read.tokens[0].probability == pytest.approx(math.exp(-0.1))
    assert read.tokens[1].probability is None and read.tokens[2].probability is None


def test_an_answer_without_probabilities_has_none() -> None:
    said = SimpleNamespace(text="x", token_ids=[5], logprobs=None, finish_reason=None)
    read = read_completion(
        answer_body("m", SimpleNamespace(outputs=[said], prompt_token_ids=None, request_id="r"))
    )
    assert read.tokens is None and read.finish == "unknown", "no reason is none, and not a good one"


def test_a_run_may_not_come_again_within_its_window_unless_it_is_allowed() -> None:
    past = [1, 2, 3, 9, 1, 2]
    assert banned_next(past, 3, 50) == {3}
    assert banned_next(past, 3, 50, allowed=[3]) == set()
    assert banned_next(past, 3, 4) == set(), "the run lies before the window"
    assert banned_next([1, 2], 3, 50) == set() and banned_next(past, 0, 50) == set()


@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5), st.integers(1, 60))
def test_no_token_that_is_let_through_makes_a_run_twice(past: list[int], size: int, window: int) -> None:
    banned = banned_next(past, size, window)
    recent = past[max(0, len(past) - window) :]
    runs = {tuple(recent[at : at + size]) for at in range(len(recent) - size + 1)}
    tail = tuple(past[len(past) - size + 1 :]) if len(past) >= size else None
    for token in range(4):
        made_twice = tail is not None and (*tail, token) in runs
        assert (token in banned) == made_twice


def test_banned_tokens_get_no_chance() -> None:
    class Logits(dict[int, float]):
        def __setitem__(self, key: Any, value: float) -> None:
            for each in key if isinstance(key, list) else [key]:
                super().__setitem__(each, value)

    logits = NoRunTwice(3, 50)([1, 2, 3, 9, 1, 2], Logits({3: 1.0, 4: 1.0}))
    assert logits == {3: -math.inf, 4: 1.0}


def test_nothing_but_base64_is_an_image() -> None:
    url = "data:image/png;base64," + base64.b64encode(b"x").decode() + "!"
    content = [{"type": "image_url", "image_url": {"url": url}}]
    with pytest.raises(BadQuestion, match="no base64"):
        read_question(json.dumps({"messages": [{"role": "user", "content": content}]}).encode())
