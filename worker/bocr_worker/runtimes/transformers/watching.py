"""What goes along with `generate`, token by token: when a row ends, why, and how sure the model was.

The two classes look like transformers' StoppingCriteria and LogitsProcessor without deriving from them, so
that this module can be imported where the library is not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bocr_worker.runtimes.openai.streaming import ABORTED, LoopWatch

STOP, LENGTH, LATE = "stop", "length", "late"

_LOOK_EVERY_TOKENS = 128
"""Between two looks whether an answer goes in circles; LoopWatch has a measure of its own in characters."""

_STOP_WITHIN_TOKENS = 32
"""A text that ends the answer is looked for in so many of the last tokens."""


@dataclass
class RowWatch:
    """One row of a batch: `ids` are the tokens that were written, `finish` is empty while it goes on."""

    most_tokens: int
    deadline_s: float
    ids: list[int] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    finish: str = ""
    loops: LoopWatch | None = None


class Confidences:
    """A logits processor that changes nothing: keeps the step's scores until it is known what was chosen.
    It stands before those that forbid tokens, so that the model's own probabilities are seen."""

    def __init__(self) -> None:
        self._scores: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        self._scores = scores
        return scores

    def of(self, tokens: Any) -> list[float] | None:
        """The probability of each row's token, of the step that was just decided."""
        scores, self._scores = self._scores, None
        if scores is None:
            return None
        scores = scores.float()
        chosen = scores.gather(1, tokens.unsqueeze(1)).squeeze(1)
        found: list[float] = (chosen - scores.logsumexp(dim=1)).exp().clamp(0.0, 1.0).tolist()
        return found


class Watch:
    """A stopping criterion for each row: its end, its own number of tokens, its deadline, a loop."""

    def __init__(
        self,
        rows: Sequence[RowWatch],
        ends: frozenset[int],
        decode: Callable[[list[int]], str],
        confidences: Confidences | None,
        stops: tuple[str, ...] = (),
    ) -> None:
        self.rows = rows
        self._ends = ends
        self._decode = decode
        self._confidences = confidences
        self._stops = stops
        self._began = time.monotonic()
        self.steps = 0

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        last = input_ids[:, -1]
        probabilities = self._confidences.of(last) if self._confidences is not None else None
        passed_s = time.monotonic() - self._began
        self.steps += 1
        for number, token in enumerate(last.tolist()):
            row = self.rows[number]
            if row.finish:
                continue
            row.ids.append(token)
            if probabilities is not None:
                row.probabilities.append(probabilities[number])
            row.finish = self._finish(row, token, passed_s)
        done = [bool(row.finish) for row in self.rows]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)

    def _finish(self, row: RowWatch, token: int, passed_s: float) -> str:
        if token in self._ends or self._is_stopped(row):
            return STOP
        if len(row.ids) >= row.most_tokens:
            return LENGTH
        if passed_s > row.deadline_s:
            return LATE
        if row.loops is not None and len(row.ids) % _LOOK_EVERY_TOKENS == 0:
            text = self._decode(row.ids)
            if row.loops.due(len(text)) and row.loops.is_lost(text):
                return ABORTED
        return ""

    def _is_stopped(self, row: RowWatch) -> bool:
        if not self._stops:
            return False
        tail = self._decode(row.ids[-_STOP_WITHIN_TOKENS:])
        return any(stop in tail for stop in self._stops)


class NoRepeat:
    """A logits processor: no `size` tokens in a row may stand twice within the last `window`, but for those
    that end in a token of `allowed`. DeepSeek-OCR's own remedy against loops, as its server has it; here it
    looks at what was written, not at the prompt."""

    def __init__(self, rows: Sequence[RowWatch], size: int, window: int, allowed: frozenset[int]) -> None:
        self._rows = rows
        self._size = size
        self._window = window
        self._allowed = allowed

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        banned = [self._banned(row.ids) if not row.finish else [] for row in self._rows]
        if any(banned):
            scores = scores.clone()
            for number, tokens in enumerate(banned):
                if tokens:
                    scores[number, tokens] = -float("inf")
        return scores

    def _banned(self, ids: list[int]) -> list[int]:
        before = self._size - 1
        seen = ids[-self._window :]
        if len(seen) <= before:
            return []
        tail = seen[len(seen) - before :]
        found = {seen[at + before] for at in range(len(seen) - before) if seen[at : at + before] == tail}
        return sorted(found - self._allowed)
