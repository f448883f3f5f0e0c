"""From the bytes of an answer to what was said: nothing in them is taken for granted."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from bocr_worker.protocol.recognition import Usage
from bocr_worker.runtimes.openai.confidence import Token
from bocr_worker.runtimes.openai.troubles import Faulty

_LONGEST_WORDS = 1000
_LONGEST_FINISH = 20
_LEAST_LOGPROB = -10_000.0
"""Below it every probability is 0."""


@dataclass(frozen=True)
class Completion:
    """What a model wrote and why it stopped. `tokens` is None where the server told no probabilities."""

    text: str
    finish: str
    usage: Usage
    tokens: tuple[Token, ...] | None = None


def read_completion(body: bytes) -> Completion:
    """Raises Faulty for what is no completion."""
    record = _json(body)
    choices = record.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Faulty(f"an answer without choices: {words_of(body)}")
    choice: dict[str, Any] = choices[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Faulty(f"an answer without a message: {words_of(body)}")
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise Faulty("an answer whose content is no text")
    return Completion(
        text=content or "",
        finish=read_finish(choice.get("finish_reason")),
        usage=read_usage(record.get("usage")),
        tokens=read_tokens(choice.get("logprobs")),
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        record = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Faulty(f"an answer that is no JSON ({type(error).__name__}): {words_of(body)}") from None
    if not isinstance(record, dict):
        raise Faulty(f"an answer that is no JSON object: {words_of(body)}")
    return record


def read_finish(reason: Any) -> str:
    """The server's word; `unknown` where it has none."""
    return reason[:_LONGEST_FINISH] if isinstance(reason, str) and reason else "unknown"


def read_usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    return Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40 else None


def read_tokens(logprobs: Any) -> tuple[Token, ...] | None:
    """None where there are none. A token whose probability makes no sense keeps its place, unknown."""
    entries = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(entries, list):
        return None
    return tuple(_plain_token(entry) for entry in entries if isinstance(entry, dict))


def _plain_token(entry: dict[str, Any]) -> Token:
    """What nearly all are, of which there are a thousand a page."""
    value, spelled = entry.get("logprob"), entry.get("bytes")
    if type(value) is float and value <= 0.0 and type(spelled) is list:
        try:
            return Token(bytes(spelled), math.exp(value))
        except (ValueError, TypeError):
            pass
    return _token(entry)


def _token(entry: dict[str, Any]) -> Token:
    value = entry.get("logprob")
    probability = None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value <= 1e-3:  # NaN is not
        # A whole number may have more digits than a float can hold.
        probability = math.exp(max(_LEAST_LOGPROB, min(0.0, value)))
    spelled = entry.get("bytes")
    if isinstance(spelled, list):
        try:
            return Token(bytes(spelled), probability)
        except (ValueError, TypeError):
            pass
    said = entry.get("token")
    return Token(said.encode("utf-8", "surrogatepass") if isinstance(said, str) else b"", probability)


def words_of(body: bytes) -> str:
    """What a server said went wrong, on one line: the message of its JSON, or the start of its page."""
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        record = None
    said: Any = None
    if isinstance(record, dict):
        error = record.get("error")
        said = error.get("message") if isinstance(error, dict) else error
        said = said or record.get("message") or record.get("detail")
    text = said if isinstance(said, str) else body[: 4 * _LONGEST_WORDS].decode("utf-8", "replace")
    shown = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _LONGEST_WORDS]).split())
    return shown[:_LONGEST_WORDS] or "(nothing)"
