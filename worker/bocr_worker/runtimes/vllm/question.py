"""From a server's request body to what vLLM's engine is asked, and back to an answer's body."""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bocr_worker.runtimes.vllm.ngrams import NoRunTwice

_NUMBERS = (
    *("temperature", "top_p", "top_k", "repetition_penalty", "max_tokens", "seed"),
    *("skip_special_tokens", "stop", "logit_bias"),
)
"""What a body and vLLM's SamplingParams call by one name."""


class BadQuestion(ValueError):
    """A body that cannot be answered, in words for whoever sent it."""


@dataclass(frozen=True)
class Question:
    """`image` None: a question about nothing."""

    system: str
    text: str
    image: bytes | None
    body: Mapping[str, Any]


def read_question(raw: bytes) -> Question:
    """Raises BadQuestion."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadQuestion("the body is no JSON") from None
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise BadQuestion("the body has no list of messages")
    if body.get("stream"):
        raise BadQuestion("answers are not streamed here")
    system = "".join(str(each.get("content", "")) for each in messages if each.get("role") == "system")
    text, image = "", None
    for message in messages:
        if message.get("role") == "user":
            text, image = _user(message.get("content"))
    return Question(system, text, image, body)


def _user(content: Any) -> tuple[str, bytes | None]:
    if isinstance(content, str):
        return content, None
    texts, image = [], None
    for part in content if isinstance(content, list) else []:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "text":
            texts.append(str(part.get("text", "")))
        elif part.get("type") == "image_url":
            place = part.get("image_url")
            image = _data(place.get("url") if isinstance(place, dict) else None)
    return "".join(texts), image


def _data(url: Any) -> bytes:
    """Only an image that is in the question itself: nothing is fetched from anywhere."""
    if not isinstance(url, str) or not url.startswith("data:image/"):
        raise BadQuestion("an image that is not in the question itself")
    try:
        return base64.b64decode(url.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise BadQuestion("an image that is no base64") from None


def open_image(encoded: bytes) -> Any:
    """As RGB. Raises BadQuestion."""
    from PIL import Image

    try:
        return Image.open(io.BytesIO(encoded)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadQuestion(f"an image that cannot be opened: {error}") from None


def sampling_of(body: Mapping[str, Any], params: Callable[..., Any], *, first_engine: bool) -> Any:
    """vLLM's SamplingParams. `first_engine`: it takes logits processors as Python objects, and knows no
    arguments for those that a server was started with. Raises BadQuestion."""
    words = {name: body[name] for name in _NUMBERS if body.get(name) is not None}
    if body.get("logprobs"):
        words["logprobs"] = 0  # of the token that was chosen
    if isinstance(words.get("logit_bias"), dict):
        words["logit_bias"] = {int(token): float(value) for token, value in words["logit_bias"].items()}
    arguments = body.get("vllm_xargs")
    if isinstance(arguments, dict) and first_engine:
        words["logits_processors"] = _processors(arguments)
    elif isinstance(arguments, dict):
        words["extra_args"] = arguments
    structured = body.get("structured_outputs")
    if isinstance(structured, dict) and not first_engine:
        from vllm.sampling_params import StructuredOutputsParams

        words["structured_outputs"] = StructuredOutputsParams(**structured)
    try:
        return params(**words)
    except (TypeError, ValueError) as error:
        raise BadQuestion(f"numbers that vLLM does not take: {error}") from None


def _processors(arguments: Mapping[str, Any]) -> list[NoRunTwice]:
    size, window = arguments.get("ngram_size"), arguments.get("window_size")
    if not isinstance(size, int) or not isinstance(window, int):
        return []
    return [NoRunTwice(size, window, arguments.get("whitelist_token_ids") or ())]


def answer_body(name: str, output: Any) -> bytes:
    """A finished RequestOutput of vLLM as a server's answer."""
    said = output.outputs[0]
    choice: dict[str, Any] = {
        "index": 0,
        "message": {"role": "assistant", "content": said.text},
        "finish_reason": said.finish_reason,
    }
    if said.logprobs is not None:
        choice["logprobs"] = {"content": _tokens(said.token_ids, said.logprobs)}
    prompt, written = len(output.prompt_token_ids or ()), len(said.token_ids)
    answer = {
        "id": output.request_id,
        "object": "chat.completion",
        "created": int(time.time()),
        "model": name,
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
        },
    }
    return json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")


def _tokens(token_ids: Sequence[int], logprobs: Any) -> list[dict[str, Any]]:
    entries = []
    for token_id, known in zip(token_ids, logprobs):  # noqa: B905 - Python 3.10
        one = known.get(token_id) if known else None
        spelled = (one.decoded_token or "") if one is not None else ""
        value = float(one.logprob) if one is not None else None
        if value is not None and not math.isfinite(value):
            value = None
        entries.append(
            {"token": spelled, "logprob": value, "bytes": list(spelled.encode("utf-8", "replace"))}
        )
    return entries
