"""What a server is sent."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bocr_worker.engines.base import PageImage
from bocr_worker.engines.vision.base import messages, question_for
from bocr_worker.runtimes.openai.reading import body_of
from tests.worker.vision_engines import VISION


@given(st.binary(max_size=300), st.text(max_size=40), st.text(max_size=40))
def test_an_image_and_any_words_arrive_as_they_are(encoded: bytes, words: str, system: str) -> None:
    engine = replace(VISION, prompts={"plain": words}, system=system)
    question = question_for(engine, PageImage(encoded, "png", 1, 1, 72), {}, None)
    body = json.loads(body_of(question, "stand-in", stream=False, logprobs=True))
    assert body["messages"] == messages(question)
    asked = next(part for part in body["messages"][-1]["content"] if part["type"] == "image_url")
    head, _, data = asked["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == encoded
    assert body["model"] == "stand-in"
    assert body["logprobs"] is True
