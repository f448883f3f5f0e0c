"""Questions to a person while a connection is made: time stands still, and a refusal is final."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from bocr_tui.sites.asking import Asker, Prompt, Question, QuestionKind
from bocr_tui.sites.transport.ssh.words import plain_lines, plain_words

ONE_TIME = {QuestionKind.KEYBOARD, QuestionKind.PASSWORD}
"""Kinds whose answers are not kept: who was asked so must be asked again."""


class Clock:
    """A time limit that does not run while a person thinks. Use it as `async with clock.limit():`. `stood_s`
    is how long it stood still, in all."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self.stood_s = 0.0
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Raises TimeoutError."""
        async with asyncio.timeout(self.limit_s) as timeout:
            self._timeout = timeout
            try:
                yield
            finally:
                self._timeout = None

    @contextmanager
    def standing(self) -> Iterator[None]:
        self._set(None)
        began_s = time.monotonic()
        try:
            yield
        finally:
            self.stood_s += time.monotonic() - began_s
            self._set(asyncio.get_running_loop().time() + self.limit_s)

    def _set(self, when: float | None) -> None:
        if self._timeout is not None and not self._timeout.expired():
            self._timeout.reschedule(when)


class Questions:
    """Those of one attempt to connect. `asked` are the kinds that were put to a person, `declined` says
    that the person would not answer one: then none is asked any more."""

    def __init__(self, site: str, asker: Asker, clock: Clock) -> None:
        self.site = site
        self.asked: set[QuestionKind] = set()
        self.declined = False
        self._asker, self._clock = asker, clock

    async def ask(
        self, kind: QuestionKind, title: str, text: str, prompts: tuple[Prompt, ...]
    ) -> list[str] | None:
        """One answer a prompt; None when the person declines. What the host says is made plain first."""
        if self.declined:
            return None
        self.asked.add(kind)
        shown = tuple(Prompt(plain_words(prompt.text), prompt.echo) for prompt in prompts)
        question = Question(kind, self.site, plain_words(title), plain_lines(text), shown)
        with self._clock.standing():
            answers = await self._asker(question)
        if answers is None or len(answers) != len(prompts):
            self.declined = True
            return None
        return answers

    @property
    def one_time(self) -> bool:
        """Whether an answer was needed that cannot be given again by itself."""
        return bool(self.asked & ONE_TIME)
