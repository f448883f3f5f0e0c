"""Which questions are asked together, and how many."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bocr_worker.runtimes.openai.answers import Completion
from bocr_worker.runtimes.transformers.wire import Row

_GATHER_S = 0.05
"""So long without a new question, and a batch goes as it is: less than a hundredth of what it takes, and
longer than pages need that wait ready to come in."""

_FULL_BEFORE_MORE = 8
"""Full batches that went well before a larger one is dared again."""


@dataclass(eq=False)
class Asked:
    """A question that waits, and who waits for its answer."""

    row: Row
    answer: asyncio.Future[Completion]
    alone: bool = False
    """It was in a batch that went wrong, or draws its words by its own seed."""
    did_not_fit: bool = False
    """Alone it was too much for the memory, once."""

    @property
    def kind(self) -> str:
        """Questions of one kind can be one call."""
        row = self.row
        mode = replace(row.sampling, max_tokens=1)  # each row's own limit ends it
        return repr((mode, _sorted(row.fields), _sorted(row.processor_options)))

    @property
    def print(self) -> bytes:
        """To know the page again when it is asked once more."""
        return hashlib.sha256(self.row.image).digest()


def _sorted(table: Mapping[str, Any]) -> Any:
    return sorted((str(name), repr(value)) for name, value in table.items())


class Waiting:
    """The questions of all lanes, first come, first served, but a batch is of one kind."""

    def __init__(self) -> None:
        self._asked: deque[Asked] = deque()
        self._moved = asyncio.Event()
        self._takers = 0
        self._end: Exception | None = None

    def __len__(self) -> int:
        return len(self._asked)

    def put(self, asked: Asked, *, first: bool = False) -> None:
        """`first`: it waited long enough already."""
        if self._end is not None:
            _fail(asked, self._end)
            return
        if first:
            self._asked.appendleft(asked)
        else:
            self._asked.append(asked)
        self._moved.set()

    def close(self, error: Exception) -> None:
        """Nobody will take any more."""
        self._end = self._end or error
        while self._asked:
            _fail(self._asked.popleft(), self._end)

    async def take(self, most: int) -> list[Asked]:
        """At least one question and at most `most`; of the last ones each lane that waits gets its share."""
        self._takers += 1
        try:
            await self._gathered(most)
            return self._chosen(min(most, -(-len(self._asked) // self._takers)))
        finally:
            self._takers -= 1

    async def _gathered(self, most: int) -> None:
        """Until there are enough, or nothing more comes."""
        while True:
            self._forget_cancelled()
            if len(self._asked) >= most * self._takers or (self._asked and self._asked[0].alone):
                return
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), _GATHER_S if self._asked else None)
            except asyncio.TimeoutError:
                self._forget_cancelled()
                if self._asked:
                    return

    def _forget_cancelled(self) -> None:
        if any(asked.answer.done() for asked in self._asked):
            self._asked = deque(asked for asked in self._asked if not asked.answer.done())

    def _chosen(self, most: int) -> list[Asked]:
        chosen = [self._asked.popleft()]
        if chosen[0].alone:
            return chosen
        kind, left = chosen[0].kind, []
        while self._asked and len(chosen) < most:
            asked = self._asked.popleft()
            if asked.alone or asked.kind != kind:
                left.append(asked)
            else:
                chosen.append(asked)
        self._asked.extendleft(reversed(left))
        return chosen


def _fail(asked: Asked, error: Exception) -> None:
    if not asked.answer.done():
        asked.answer.set_exception(error)


@dataclass
class BatchSize:
    """How many pages one process reads at a time. `most` is where it starts."""

    most: int
    limit: int = field(init=False)
    too_many: int = 0
    """Times that the memory did not suffice."""
    _ceiling: int = field(init=False)
    _full: int = 0

    def __post_init__(self) -> None:
        self.limit = self._ceiling = max(1, self.most)

    def failed(self, rows: int) -> None:
        """The memory did not suffice for so many: half of them from now on, and never so many again."""
        self.too_many += 1
        self._full = 0
        self._ceiling = max(1, min(self._ceiling, rows - 1))
        self.limit = max(1, min(self.limit, rows // 2))

    def went_well(self, rows: int) -> None:
        if rows < self.limit or self.limit >= self._ceiling:
            return
        self._full += 1
        if self._full >= _FULL_BEFORE_MORE:
            self._full = 0
            self.limit = min(self._ceiling, self.limit + max(1, self.limit // 4))
