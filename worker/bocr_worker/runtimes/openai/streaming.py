"""Answers as they are written: put together piece by piece, and stopped when they go round in circles."""

from __future__ import annotations

import json
from typing import Any

from bocr_worker.protocol.facts import ImageFacts
from bocr_worker.protocol.recognition import Recognition, Usage
from bocr_worker.quality.repetition import repetition
from bocr_worker.quality.runaway import MOST_CHARACTERS
from bocr_worker.quality.verdict import Case, PageContext
from bocr_worker.runtimes.openai.answers import Completion, read_finish, read_tokens, read_usage, words_of
from bocr_worker.runtimes.openai.confidence import Token
from bocr_worker.runtimes.openai.troubles import Faulty

ABORTED = "aborted"
"""The finish of an answer that we stopped."""

_LOOK_EVERY = 2000
"""Characters between two looks: some 600 tokens, a twentieth of what a loop would run to."""

_LOOKS = 2
"""A loop is one when it is seen so often in a row: a column of equal figures ends, a loop does not."""

_FACTS = ImageFacts(1, 1, 72.0, 0.1, 0.0, 0.0, False, False)


class LoopWatch:
    """Applies the verdict's own rule to an answer that is still being written."""

    def __init__(self) -> None:
        self._looked_at = 0
        self._seen = 0

    def due(self, characters: int) -> bool:
        """Whether so much has come since the last look that it is time for another."""
        return characters - self._looked_at >= _LOOK_EVERY

    def is_lost(self, text: str) -> bool:
        """Whether there is no point in reading on."""
        self._looked_at = len(text)
        if len(text) > 4 * MOST_CHARACTERS:
            return True
        case = Case(_FACTS, Recognition(text, text), PageContext(""))
        self._seen = self._seen + 1 if repetition(case) is not None else 0
        return self._seen >= _LOOKS


class StreamedAnswer:
    """Takes the lines of an event stream; `done` once the server said so."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._tokens: list[Token] = []
        self._has_tokens = False
        self._usage = Usage()
        self.finish = ""
        self.done = False
        self.characters = 0

    @property
    def text(self) -> str:
        self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

    def take(self, line: bytes) -> None:
        """Raises Faulty for an event that is no piece of an answer, or an error."""
        if not line.startswith(b"data:"):
            return
        data = line[5:].strip()
        if data == b"[DONE]":
            self.done = True
            return
        try:
            record = json.loads(data)
        except (ValueError, RecursionError):
            raise Faulty(f"an event that is no JSON: {words_of(data)}") from None
        if not isinstance(record, dict) or "error" in record:
            raise Faulty(words_of(data))
        if record.get("usage"):
            self._usage = read_usage(record["usage"])
        choices = record.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], dict):
            self._choice(choices[0])

    def _choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta")
        content = delta.get("content") if isinstance(delta, dict) else None
        if isinstance(content, str):
            self._pieces.append(content)
            self.characters += len(content)
        tokens = read_tokens(choice.get("logprobs"))
        if tokens is not None:
            self._has_tokens = True
            self._tokens += tokens
        if choice.get("finish_reason"):
            self.finish = read_finish(choice["finish_reason"])

    def completion(self) -> Completion:
        """What has come so far. Raises Faulty when the stream ended before the answer did."""
        if not self.finish:
            raise Faulty("the stream ended before the answer did")
        tokens = tuple(self._tokens) if self._has_tokens else None
        usage = self._usage
        if usage.completion_tokens is None and tokens is not None:
            usage = Usage(usage.prompt_tokens, len(tokens))
        return Completion(self.text, self.finish, usage, tokens)
