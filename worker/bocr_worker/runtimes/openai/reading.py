"""From a question to the bytes that a server is sent, and from its answer to a recognition."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bocr_worker.engines.vision.base import Answer, Parsed, Question, VisionEngine, messages
from bocr_worker.protocol.recognition import Recognition
from bocr_worker.runtimes.openai.answers import Completion
from bocr_worker.runtimes.openai.confidence import (
    Placed,
    doubtful_stretches,
    mean_within,
    overall,
    place_tokens,
    without_markup,
)

DOUBTFUL = "doubtful"
"""In a recognition's `extra`: [start, end, mean] of the stretches of `raw` that the model doubted."""

PROMPT = "prompt"
"""In a recognition's `extra`: the prompt's name and hash."""


_STAND_IN = secrets.token_bytes(24)
"""In the place of an image while the words around it are made: half a megabyte of base64 is put in later, as
bytes, instead of being looked through for characters that JSON escapes. No document can hold it."""

_MARK = base64.b64encode(_STAND_IN)


def body_of(question: Question, model: str, *, stream: bool, logprobs: bool) -> bytes:
    """The image's bytes are encoded anew for each try, so that pages in line are not kept twice."""
    image, words = question.image, replace(question, image=replace(question.image, encoded=_STAND_IN))
    before, mark, after = _words_of(words, model, stream=stream, logprobs=logprobs).partition(_MARK)
    return b"".join((before, base64.b64encode(image.encoded), after)) if mark else before


def _words_of(question: Question, model: str, *, stream: bool, logprobs: bool) -> bytes:
    body: dict[str, Any] = {
        "model": model,
        "messages": messages(question),
        **question.sampling.fields(),
        **question.fields,
    }
    if logprobs:
        body["logprobs"] = True
    if stream:
        body.update(stream=True, stream_options={"include_usage": True})
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def recognition_of(engine: VisionEngine, question: Question, said: Completion) -> Recognition:
    """Never raises: a parser that does has met an answer that nobody can make sense of."""
    answer = Answer(said.text, said.finish, question.image, question.prompt)
    try:
        parsed = engine.parse(answer)
    except Exception as error:  # noqa: BLE001
        problem = f"the parser gave up: {type(error).__name__}: {error}"[:300]
        parsed = Parsed(Recognition(said.text, said.text, markup_problem=problem))
    extra = {**parsed.recognition.extra, PROMPT: f"{question.prompt} {question.prompt_hash}"}
    recognition = replace(
        parsed.recognition, raw=said.text, finish=said.finish, usage=said.usage, extra=extra
    )
    return recognition if said.tokens is None else _with_confidence(engine, recognition, parsed.spans, said)


def _with_confidence(
    engine: VisionEngine, recognition: Recognition, spans: Sequence[tuple[int, int]], said: Completion
) -> Recognition:
    tokens = without_markup(said.text, place_tokens(said.text, said.tokens or ()), engine.markup)
    stretches = doubtful_stretches(tokens)
    extra = dict(recognition.extra)
    if stretches:
        extra[DOUBTFUL] = [[each.start, each.end, each.mean] for each in stretches]
    return replace(
        recognition,
        confidence=overall(tokens),
        blocks=_sure_blocks(recognition, spans, tokens),
        extra=extra,
    )


def _sure_blocks(
    recognition: Recognition, spans: Sequence[tuple[int, int]], tokens: Sequence[Placed]
) -> tuple[Any, ...]:
    if len(spans) != len(recognition.blocks):
        return recognition.blocks
    return tuple(
        block if block.confidence is not None else replace(block, confidence=mean_within(tokens, *span))
        for block, span in zip(recognition.blocks, spans)  # noqa: B905 - Python 3.10, and of one length
    )
