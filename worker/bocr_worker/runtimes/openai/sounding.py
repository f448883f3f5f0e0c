"""Whether a server that answers nothing but errors would still answer: told by a page that it has read.

When the last pages of a job all fail, nobody else is there to show whose fault it is. So one that was
answered is put again, cut off after its first token: it costs the look at one image, and no page.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace

from bocr_worker.engines.vision.base import Question
from bocr_worker.runtimes.openai.client import ChatClient
from bocr_worker.runtimes.openai.patience import FEW
from bocr_worker.runtimes.openai.reading import body_of
from bocr_worker.runtimes.openai.troubles import Trouble

_QUIET_LOOKS = 5
"""Looks at the server in a row without an answer while questions fail, before it is asked so, and asked
again."""

_WITHIN_S = 60.0


class Sounding:
    """Of one server while it is up. `answered` is told when a question that it was asked got its answer."""

    def __init__(self, answered: Callable[[float], None]) -> None:
        self._tell = answered
        self._sample: tuple[Question, str] | None = None
        self._answers = self._quiet = 0
        self._asking: asyncio.Task[None] | None = None

    def keep(self, question: Question, model: str) -> None:
        """It was answered; the last one is kept."""
        self._sample = (question, model)

    def look(self, client: ChatClient, failing: int, answers: int) -> None:
        """Called at every look at the server. So few that fail find out by themselves (Patience)."""
        is_quiet = failing > FEW and answers == self._answers
        self._quiet = self._quiet + 1 if is_quiet else 0
        self._answers = answers
        if self._quiet < _QUIET_LOOKS or self._sample is None:
            return
        if self._asking is None or self._asking.done():
            self._quiet = 0
            self._asking = asyncio.create_task(self._ask(client, *self._sample))

    async def _ask(self, client: ChatClient, question: Question, model: str) -> None:
        asked_at = time.monotonic()
        short = replace(question, sampling=replace(question.sampling, max_tokens=1))
        with contextlib.suppress(Trouble):
            await client.complete(body_of(short, model, stream=False, logprobs=False), _WITHIN_S)
            self._tell(asked_at)

    async def stop(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
