"""No run of tokens twice: what keeps DeepSeek-OCR from going round in circles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def banned_next(
    past: Sequence[int], ngram_size: int, window_size: int, allowed: Iterable[int] = ()
) -> set[int]:
    """The tokens that would end a run of `ngram_size` that stands among the last `window_size` already."""
    if ngram_size < 1 or len(past) < ngram_size:
        return set()
    tail = tuple(past[len(past) - ngram_size + 1 :])
    first = max(0, len(past) - window_size)
    found = {
        past[start + ngram_size - 1]
        for start in range(first, len(past) - ngram_size + 1)
        if tuple(past[start : start + ngram_size - 1]) == tail
    }
    return found.difference(allowed)


class NoRunTwice:
    """A logits processor of vLLM's first engine: called with the tokens so far and the next one's logits."""

    def __init__(self, ngram_size: int, window_size: int, allowed: Iterable[int] = ()) -> None:
        self._ngram_size = ngram_size
        self._window_size = window_size
        self._allowed = frozenset(allowed)

    def __call__(self, past: Sequence[int], logits: Any) -> Any:
        banned = banned_next(past, self._ngram_size, self._window_size, self._allowed)
        if banned:
            logits[list(banned)] = -float("inf")
        return logits
