"""Questions of a connection on their way from the driver's thread to the person, and answers back.

An answer is kept nowhere: it goes from the modal's fields into the future that the driver's thread awaits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from bocr_tui.sites.asking import Question

Answer = list[str] | None
"""One text a prompt; None: declined."""


class Pending:
    """A question that waits. `answered` may be called from any thread, and once too often."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: Future[Answer] = Future()

    @property
    def over(self) -> bool:
        """It needs no answer any more: it was given, or who asked has gone."""
        return self.answer.done()

    def answered(self, answer: Answer) -> None:
        with contextlib.suppress(InvalidStateError):
            if not self.answer.done():
                self.answer.set_result(answer)


class Asked(Message):
    """A connection waits for a person."""

    def __init__(self, pending: Pending) -> None:
        super().__init__()
        self.pending = pending


class Withdrawn(Message):
    """Who asked does not want to know any more: the host closed the connection, or the driver ends."""

    def __init__(self, pending: Pending) -> None:
        super().__init__()
        self.pending = pending


class PanelAsker:
    """The Asker of a panel: called in the driver's loop, answered on the screen.

    `post` puts a message into the panel's queue from any thread. After `close` every question is declined,
    those that wait among them.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._waiting: set[Pending] = set()
        self._closed = False

    async def __call__(self, question: Question) -> Answer:
        pending = Pending(question)
        with self._lock:
            if self._closed:
                return None
            self._waiting.add(pending)
        try:
            self._post(Asked(pending))
            return await asyncio.wrap_future(pending.answer)
        finally:
            with self._lock:
                self._waiting.discard(pending)
            self._post(Withdrawn(pending))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            waiting, self._waiting = list(self._waiting), set()
        for pending in waiting:
            pending.answered(None)
