"""How a vision-language engine is asked: prompts, numbers, versions."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.engines.base import EngineUnavailable
from bocr_worker.engines.vision.base import messages, option_names, question_for
from bocr_worker.engines.vision.sampling import OptionError, Sampling, sampling_from
from bocr_worker.engines.vision.versions import Versions, parse_version
from tests.worker.vision_engines import SPEC, VISION, page, with_vision

IMAGE = page().image


def test_a_question_is_the_image_then_the_prompt() -> None:
    (message,) = messages(question_for(VISION, IMAGE, {}, None))
    image, text = message["content"]
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == IMAGE.encoded
    assert text == {"type": "text", "text": "Read this page."}


def test_a_model_without_a_prompt_is_asked_with_the_image_alone() -> None:
    spec = with_vision(prompts={"image": ""})
    assert spec.vision is not None
    (message,) = messages(question_for(spec.vision, IMAGE, {}, None))
    assert [part["type"] for part in message["content"]] == ["image_url"]


def test_a_system_prompt_comes_first() -> None:
    spec = with_vision(system="You read.")
    assert spec.vision is not None
    system, _ = messages(question_for(spec.vision, IMAGE, {}, None))
    assert system == {"role": "system", "content": "You read."}


def test_a_later_try_has_the_engines_own_numbers_for_it() -> None:
    assert question_for(VISION, IMAGE, {}, None).sampling.temperature == 0
    assert question_for(VISION, IMAGE, {"retry": 3}, None).sampling.temperature == pytest.approx(0.6)
    both = question_for(VISION, IMAGE, {"retry": 3, "temperature": 0.1}, None)
    assert both.sampling.temperature == 0.1


def test_prompts_have_hashes_that_tell_them_apart() -> None:
    plain = question_for(VISION, IMAGE, {}, None)
    grounded = question_for(VISION, IMAGE, {"prompt": "grounded"}, None)
    assert plain.prompt_hash == question_for(VISION, IMAGE, {"prompt": "plain"}, None).prompt_hash
    assert plain.prompt_hash != grounded.prompt_hash


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prompt": "grunded"}, "prompt 'grunded' is unknown. Did you mean 'grounded'"),
        ({"prompt": ["plain"]}, "is unknown"),
        ({"retry": -1}, "retry should be a whole number from 0 to 100"),
        ({"temperature": "hot"}, "temperature should be a number from 0 to 2"),
        ({"temperature": float("nan")}, "temperature should be a number"),
        ({"temperature": True}, "temperature should be a number"),
        ({"top_p": 0}, "top_p should be a number"),
        ({"max_tokens": 0}, "max_tokens should be a whole number from 1"),
        ({"seed": 1.5}, "seed should be a whole number"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        question_for(VISION, IMAGE, options, None)


def test_numbers_that_are_not_named_stay() -> None:
    base = Sampling(0.0, 0.1, 12384)
    assert sampling_from(base, {"temperature": 0.3, "url": "x"}) == Sampling(0.3, 0.1, 12384)
    assert "seed" not in base.fields()
    assert sampling_from(base, {"seed": 7}).fields()["seed"] == 7
    assert not {"top_k", "repetition_penalty"} & base.fields().keys()
    assert sampling_from(base, {"top_k": 20, "repetition_penalty": 1.05}).fields()["top_k"] == 20


def test_every_option_that_decides_a_reading_is_named() -> None:
    spec = with_vision(options=("ngram",))
    assert spec.vision is not None
    assert option_names(spec.vision) == (
        *("prompt", "retry", "temperature", "top_p", "max_tokens", "seed", "top_k", "repetition_penalty"),
        "ngram",
    )


def test_an_engine_behind_a_server_is_no_library() -> None:
    with pytest.raises(EngineUnavailable, match="Set its runtime to openai"):
        SPEC.load({}, 1)


def test_versions_are_their_numbers() -> None:
    assert parse_version("0.8.5+cu118") == (0, 8, 5)
    assert parse_version("v0.12.0rc1.dev3") == (0, 12, 0)
    assert parse_version("0.11") == (0, 11)
    for none in ("", "dev", "latest 1.2", "٣.١"):
        assert parse_version(none) is None


def test_a_range_holds_its_start_and_not_its_end() -> None:
    between = Versions(since=(0, 11, 1), before=(0, 30))
    assert between.holds((0, 11, 1)) and between.holds((0, 29, 9))
    assert not between.holds((0, 8, 5)) and not between.holds((0, 30, 0))
    assert not between.holds(None)
    assert Versions(since=(0, 11)).holds(None)
    assert str(between) == "0.11.1 or later, before 0.30"


@given(st.text(max_size=30))
def test_no_text_breaks_the_reading_of_versions(text: str) -> None:
    version = parse_version(text)
    assert version is None or all(0 <= part < 1_000_000 for part in version)
